using System.Runtime.InteropServices;

namespace Qcow2Target.Interop;

/// <summary>
/// The direct calls into libc that .NET has no API for: one file, compiled into each project that needs one. Numbers and layouts are those of
/// 64-bit Linux and equal on x86-64 and arm64 (which is why O_DIRECTORY and O_NOFOLLOW, which differ there, are not used).
/// Calls that take a <see cref="SafeHandle"/> hold it open until they return.
/// </summary>
internal static unsafe partial class Libc
{
    internal const int EPERM = 1;
    internal const int ENOENT = 2;
    internal const int EINTR = 4;
    internal const int EBADF = 9;
    internal const int EAGAIN = 11;
    internal const int ENOMEM = 12;
    internal const int EACCES = 13;
    internal const int ENOTDIR = 20;
    internal const int EISDIR = 21;
    internal const int EINVAL = 22;
    internal const int ENFILE = 23;
    internal const int EMFILE = 24;
    internal const int ETXTBSY = 26;
    internal const int EFBIG = 27;
    internal const int ENOSPC = 28;
    internal const int EROFS = 30;
    internal const int ENAMETOOLONG = 36;
    internal const int ENOLCK = 37;
    internal const int ENOSYS = 38;
    internal const int ELOOP = 40;
    internal const int EXDEV = 18;
    internal const int EOPNOTSUPP = 95;
    internal const int ENOBUFS = 105;
    internal const int EDQUOT = 122;

    internal const int O_RDONLY = 0;
    internal const int O_RDWR = 2;
    internal const int O_NONBLOCK = 0x800;
    internal const int O_CLOEXEC = 0x80000;
    internal const int O_PATH = 0x200000;

    internal const int RESOLVE_NO_MAGICLINKS = 0x02;
    internal const int RESOLVE_NO_SYMLINKS = 0x04;
    internal const int RESOLVE_BENEATH = 0x08;

    internal const int RWF_NOWAIT = 8;
    internal const int SEEK_END = 2;
    internal const int POSIX_FADV_DONTNEED = 4;
    internal const int FALLOC_FL_KEEP_SIZE = 1;
    internal const int FALLOC_FL_PUNCH_HOLE = 2;

    internal const int F_OFD_GETLK = 36;
    internal const int F_OFD_SETLK = 37;
    internal const short F_RDLCK = 0;
    internal const short F_WRLCK = 1;
    internal const short F_UNLCK = 2;

    internal const int AT_EMPTY_PATH = 0x1000;
    internal const uint STATX_BASIC_STATS = 0x7ff;
    internal const uint STATX_BTIME = 0x800;

    // S_IFMT and so on, without the prefix that naming rules take for a static field.
    internal const int IFMT = 0xf000;
    internal const int IFREG = 0x8000;
    internal const int IFBLK = 0x6000;
    internal const int IFDIR = 0x4000;
    internal const int IFIFO = 0x1000;
    internal const int IFSOCK = 0xc000;
    internal const int IFCHR = 0x2000;

    internal const int PathMax = 4096;

    internal const int MSG_DONTWAIT = 0x40;
    internal const int MSG_NOSIGNAL = 0x4000;
    internal const short POLLIN = 0x1;
    internal const short POLLOUT = 0x4;
    internal const int SOCK_CLOEXEC = 0x80000;
    internal const int MSG_PEEK = 0x2;
    internal const uint EPOLLIN = 0x1;
    internal const uint EPOLLOUT = 0x4;
    internal const uint EPOLLONESHOT = 1u << 30;
    internal const int EPOLL_CLOEXEC = 0x80000;
    internal const int EPOLL_CTL_ADD = 1;
    internal const int EPOLL_CTL_DEL = 2;
    internal const int EPOLL_CTL_MOD = 3;
    internal const int EFD_CLOEXEC = 0x80000;
    internal const int EFD_NONBLOCK = 0x800;

    private const long SysOpenat2 = 437;

    /// <summary>Gives the processor to another runnable thread (sched_yield(2)).</summary>
    [LibraryImport("libc", EntryPoint = "sched_yield")]
    internal static partial int SchedYield();

    /// <summary>open(2) of an existing file; the descriptor or -1.</summary>
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    /// <summary>openat2(2), which has no wrapper in libc; the descriptor or -1.</summary>
    internal static int Openat2(SafeHandle directory, string path, OpenHow how) => (int)Openat2(SysOpenat2, directory, path, &how, (nuint)sizeof(OpenHow));

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial long Openat2(long number, SafeHandle directory, string path, OpenHow* how, nuint size);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    internal static partial long Lseek(SafeHandle file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    internal static partial nint Pread(SafeHandle file, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "preadv2", SetLastError = true)]
    internal static partial nint Preadv2(SafeHandle file, Iovec* vectors, int count, long offset, int flags);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    internal static partial nint Pwrite(SafeHandle file, byte* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    internal static partial int Fallocate(SafeHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    internal static partial int Fdatasync(SafeHandle file);

    /// <summary>posix_fadvise(3); an errno or 0.</summary>
    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    internal static partial int PosixFadvise(SafeHandle file, long offset, long length, int advice);

    /// <summary>fcntl(2) with F_OFD_SETLK or F_OFD_GETLK.</summary>
    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int FcntlLock(SafeHandle file, int command, ref Flock range);

    /// <summary>statx(2) of an open descriptor (an O_PATH one too).</summary>
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Statx(SafeHandle file, string path, int flags, uint mask, out Statx status);

    /// <summary>realpath(3) into <paramref name="resolved"/> of <see cref="PathMax"/> bytes; null where it fails.</summary>
    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial byte* Realpath(string path, byte* resolved);

    /// <summary>_exit(2): ends the process without any handler.</summary>
    [LibraryImport("libc", EntryPoint = "_exit")]
    internal static partial void ExitNow(int code);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    internal static partial int Fsync(SafeHandle file);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    internal static partial nint Recv(SafeHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    internal static partial nint Send(SafeHandle socket, byte* buffer, nuint length, int flags);

    /// <summary>poll(2); a timeout of -1 ms waits for ever.</summary>
    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    internal static partial int Poll(PollDescriptor* descriptors, nuint count, int timeoutMilliseconds);

    /// <summary>accept4(2) without the peer's address; the descriptor or -1.</summary>
    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    internal static partial int Accept(SafeHandle listener, nint address, nint addressLength, int flags);

    /// <summary>epoll_create1(2); the descriptor or -1.</summary>
    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    internal static partial int EpollCreate(int flags);

    /// <summary>epoll_ctl(2). <paramref name="change"/> is a struct epoll_event, see <see cref="PollEvents"/>.</summary>
    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    internal static partial int EpollControl(SafeHandle poll, int operation, SafeHandle descriptor, byte* change);

    /// <summary>epoll_wait(2) for ever; the number of events or -1.</summary>
    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    internal static partial int EpollWait(SafeHandle poll, byte* events, int room, int timeoutMilliseconds);

    /// <summary>eventfd(2); the descriptor or -1.</summary>
    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    internal static partial int EventFd(uint initialValue, int flags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    internal static partial nint Read(SafeHandle file, byte* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(SafeHandle file, byte* buffer, nuint count);
}

/// <summary>struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollDescriptor
{
    internal int Descriptor;
    internal short Events;
    internal short Returned;
}

/// <summary>struct epoll_event: events and a number of ours, packed on x86-64 and aligned elsewhere.</summary>
internal static unsafe class PollEvents
{
    private static readonly int NumberOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    internal static int Bytes => NumberOffset + sizeof(long);

    internal static void Write(byte* place, uint events, long number)
    {
        *(uint*)place = events;
        System.Runtime.CompilerServices.Unsafe.WriteUnaligned(place + NumberOffset, number);
    }

    internal static long Number(byte* place) => System.Runtime.CompilerServices.Unsafe.ReadUnaligned<long>(place + NumberOffset);
}

/// <summary>struct iovec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Iovec
{
    internal byte* Base;
    internal nuint Length;
}

/// <summary>struct flock, 32 bytes; the pid must be 0 for locks of an open file description.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct Flock
{
    [FieldOffset(0)] internal short Type;
    [FieldOffset(2)] internal short Whence;
    [FieldOffset(8)] internal long Start;
    [FieldOffset(16)] internal long Length;
    [FieldOffset(24)] internal int Pid;
}

/// <summary>struct open_how of openat2(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OpenHow
{
    internal ulong Flags;
    internal ulong Mode;
    internal ulong Resolve;
}

/// <summary>The part of struct statx that is used.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct Statx
{
    [FieldOffset(0)] internal uint Mask;
    [FieldOffset(28)] internal ushort Mode;
    [FieldOffset(32)] internal ulong Inode;
    [FieldOffset(40)] internal ulong Size;
    [FieldOffset(80)] internal long BirthSeconds;
    [FieldOffset(88)] internal uint BirthNanoseconds;
    [FieldOffset(136)] internal uint DeviceMajor;
    [FieldOffset(140)] internal uint DeviceMinor;
}
