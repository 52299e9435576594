using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;
using Qcow2Target.Interop;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Qcow2.Io;

/// <summary>Puts a new image into the file system: whole or not at all.</summary>
public static class NewImageFile
{
    private const int HeaderSizeField = 24;

    /// <summary>Makes an image beside <paramref name="path"/>, syncs it and renames it into place.</summary>
    /// <exception cref="IOException">The file is there already, or it could not be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory cannot be written.</exception>
    /// <exception cref="ArgumentException">The options contradict each other or a limit.</exception>
    public static void Create(string path, ImageCreateOptions options)
    {
        if (Path.Exists(path)) throw new IOException($"{path} is there already");
        var fresh = path + ".new";
        File.WriteAllBytes(fresh, []);
        try
        {
            Fill(fresh, options);
            File.Move(fresh, path, overwrite: false);
        }
        catch
        {
            File.Delete(fresh);
            throw;
        }
    }

    /// <summary>Bytes of the virtual disk that a file would be as a base: a new overlay is as large unless told otherwise.</summary>
    /// <param name="format"><c>qcow2</c> or <c>raw</c>.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    /// <exception cref="Qcow2FormatException">It is not a qcow2 image.</exception>
    public static long SizeOfBase(string path, string format)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = file.Length;
        if (format == "qcow2")
        {
            var start = new byte[HeaderSizeField + sizeof(long)];
            if (file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) < start.Length || !ImageHeader.HasMagic(start))
                throw new Qcow2FormatException(Qcow2FormatError.NotQcow2, 0, $"{path} is not a qcow2 image");
            bytes = BinaryPrimitives.ReadInt64BigEndian(start.AsSpan(HeaderSizeField));
        }
        return (bytes + ClusterGeometry.SectorBytes - 1) & ~(ClusterGeometry.SectorBytes - 1L);
    }

    private static void Fill(string fresh, ImageCreateOptions options)
    {
        var descriptor = Libc.Open(fresh, Libc.O_RDWR | Libc.O_CLOEXEC);
        if (descriptor < 0)
        {
            var error = new Win32Exception(Marshal.GetLastPInvokeError());
            throw new IOException($"cannot open {fresh}: {error.Message}", error);
        }
        using var file = new LinuxBlockFile(new FileDescriptor(descriptor), fresh);
        ImageCreator.Create(file, options);
    }
}
