using System.Runtime.InteropServices;
using Qcow2Target.Interop;

namespace Qcow2Target.Qcow2.Io;

/// <summary>What kind of file a descriptor is of, and which one.</summary>
internal readonly record struct FileStatus(int Kind, FileIdentity Identity)
{
    /// <summary>What can hold an image.</summary>
    internal bool IsStorage => Kind is Libc.IFREG or Libc.IFBLK;

    /// <summary>The kind in words.</summary>
    internal string Description => Kind switch
    {
        Libc.IFREG => "a regular file",
        Libc.IFBLK => "a block device",
        Libc.IFDIR => "a directory",
        Libc.IFIFO => "a FIFO",
        Libc.IFSOCK => "a socket",
        Libc.IFCHR => "a character device",
        _ => "a special file",
    };

    /// <summary>False: errno tells why.</summary>
    internal static bool TryRead(FileDescriptor file, out FileStatus status, out int errno)
    {
        var failed = Libc.Statx(file, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS | Libc.STATX_BTIME, out var found) != 0;
        errno = failed ? Marshal.GetLastPInvokeError() : 0;
        var birth = (found.Mask & Libc.STATX_BTIME) != 0 ? (found.BirthSeconds * 1_000_000_000) + found.BirthNanoseconds : 0;
        status = new FileStatus(found.Mode & Libc.IFMT, new FileIdentity(((ulong)found.DeviceMajor << 32) | found.DeviceMinor, found.Inode, birth));
        return !failed;
    }
}
