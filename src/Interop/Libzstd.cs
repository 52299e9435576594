using System.Runtime.InteropServices;

namespace Qcow2Target.Interop;

/// <summary>
/// The calls into the system's libzstd, which .NET has no API for. The library is looked for when it is first asked after
/// (<see cref="IsPresent"/>); nothing else here may be called where it is not.
/// </summary>
internal static unsafe partial class Libzstd
{
    /// <summary>Name under which the dynamic linker finds it.</summary>
    internal const string Name = "libzstd.so.1";

    /// <summary>ZSTD_d_windowLogMax of enum ZSTD_dParameter.</summary>
    internal const int WindowLogMax = 100;

    private static readonly Lazy<bool> Present = new(() => NativeLibrary.TryLoad(Name, out _));

    internal static bool IsPresent => Present.Value;

    [LibraryImport(Name, EntryPoint = "ZSTD_createDCtx")]
    internal static partial nint CreateContext();

    [LibraryImport(Name, EntryPoint = "ZSTD_freeDCtx")]
    internal static partial nuint FreeContext(nint context);

    /// <summary>ZSTD_DCtx_setParameter; an error or 0.</summary>
    [LibraryImport(Name, EntryPoint = "ZSTD_DCtx_setParameter")]
    internal static partial nuint SetParameter(nint context, int parameter, int value);

    /// <summary>Decodes as far as input and room go. 0: a frame ends here; an error (<see cref="IsError"/>); else there is more of the frame.</summary>
    [LibraryImport(Name, EntryPoint = "ZSTD_decompressStream")]
    internal static partial nuint DecompressStream(nint context, ref ZstdBuffer output, ref ZstdBuffer input);

    [LibraryImport(Name, EntryPoint = "ZSTD_isError")]
    internal static partial uint IsError(nuint code);

    internal static string ErrorName(nuint code) => Marshal.PtrToStringUTF8(ErrorNamePointer(code)) ?? "";

    [LibraryImport(Name, EntryPoint = "ZSTD_getErrorName")]
    private static partial nint ErrorNamePointer(nuint code);
}

/// <summary>struct ZSTD_inBuffer and ZSTD_outBuffer, which are alike.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ZstdBuffer
{
    internal byte* Bytes;
    internal nuint Size;
    internal nuint Position;
}
