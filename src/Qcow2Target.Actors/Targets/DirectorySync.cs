using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Qcow2Target.Interop;

namespace Qcow2Target.Actors.Targets;

/// <summary>Makes a rename in a directory durable (fsync of the directory, which .NET has no call for).</summary>
internal static class DirectorySync
{
    /// <exception cref="IOException">The directory could not be opened or synced.</exception>
    public static void Sync(string directory)
    {
        var descriptor = Libc.Open(directory, Libc.O_RDONLY | Libc.O_CLOEXEC);
        if (descriptor < 0)
            throw Fault("open", directory);
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (Libc.Fsync(handle) != 0)
            throw Fault("fsync", directory);
    }

    private static IOException Fault(string call, string directory)
    {
        var error = new Win32Exception(Marshal.GetLastPInvokeError());
        return new IOException($"{call} {directory}: {error.Message}", error);
    }
}
