using System.Runtime.InteropServices;
using Qcow2Target.Interop;

namespace Qcow2Target.Qcow2.Io;

/// <summary>
/// A regular file or block device through the page cache. Opened by a direct call and never by <see cref="File"/>, whose flock(2) becomes a lock
/// of the whole file on NFS and would collide there with QEMU's byte locks. No member allocates unless it throws.
/// <see cref="Dispose"/> may be called while calls run: they finish, later ones throw <see cref="ObjectDisposedException"/>, and the descriptor is
/// closed when the last has returned.
/// </summary>
internal sealed unsafe class LinuxBlockFile : IBlockFile
{
    private readonly FileDescriptor _file;
    private readonly string _path;
    private volatile bool _canReadWithoutWaiting = true;
    private volatile bool _canPunch = true;
    private readonly Lock _syncLock = new();
    private volatile int _syncErrno;

    /// <summary>Takes <paramref name="file"/> over; <paramref name="path"/> is for messages only.</summary>
    internal LinuxBlockFile(FileDescriptor file, string path)
    {
        _file = file;
        _path = path;
    }

    public long Length
    {
        get
        {
            // The end of a block device too, which a stat does not tell. The position this moves is used by nobody.
            var length = Libc.Lseek(_file, 0, Libc.SEEK_END);
            return length >= 0 ? length : throw Failed("find the length of", Marshal.GetLastPInvokeError());
        }
    }

    public bool TryRead(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (!_canReadWithoutWaiting) return false;
        if (destination.IsEmpty) return true;
        nint read;
        fixed (byte* start = destination)
        {
            var vector = new Iovec { Base = start, Length = (nuint)destination.Length };
            read = Libc.Preadv2(_file, &vector, 1, offset, Libc.RWF_NOWAIT);
        }
        if (read == destination.Length) return true;
        if (read < 0)
        {
            // EAGAIN: not in the page cache. EINTR and real faults: Read meets them again and reports them.
            if (Marshal.GetLastPInvokeError() == Libc.EOPNOTSUPP) _canReadWithoutWaiting = false;
            return false;
        }
        // Short: either the rest is not cached or the file ends there.
        if (offset + read < Length) return false;
        destination[(int)read..].Clear();
        return true;
    }

    public void Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        fixed (byte* start = destination)
        {
            var done = 0;
            while (done < destination.Length)
            {
                var read = Libc.Pread(_file, start + done, (nuint)(destination.Length - done), offset + done);
                if (read > 0)
                {
                    done += (int)read;
                }
                else if (read == 0)
                {
                    destination[done..].Clear();
                    return;
                }
                else
                {
                    ThrowUnlessInterrupted("read", offset + done, destination.Length - done);
                }
            }
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        fixed (byte* start = source)
        {
            var done = 0;
            while (done < source.Length)
            {
                var written = Libc.Pwrite(_file, start + done, (nuint)(source.Length - done), offset + done);
                if (written > 0) done += (int)written;
                else if (written == 0) throw Failed($"write {source.Length - done} bytes at {offset + done} of", Libc.ENOSPC);
                else ThrowUnlessInterrupted("write", offset + done, source.Length - done);
            }
        }
    }

    public bool Punch(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (!_canPunch) return false;
        if (length == 0) return true;
        while (Libc.Fallocate(_file, Libc.FALLOC_FL_PUNCH_HOLE | Libc.FALLOC_FL_KEEP_SIZE, offset, length) != 0)
        {
            if (Marshal.GetLastPInvokeError() is Libc.EOPNOTSUPP or Libc.ENOSYS)
            {
                _canPunch = false;
                return false;
            }
            ThrowUnlessInterrupted("punch", offset, length);
        }
        return true;
    }

    public void Sync()
    {
        lock (_syncLock)
        {
            if (_syncErrno is not 0 and var earlier) throw Failed("sync (an earlier sync failed)", earlier);
            while (Libc.Fdatasync(_file) != 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Libc.EINTR) continue;
                _syncErrno = errno;
                throw Failed("sync", errno);
            }
        }
    }

    public void Dispose()
    {
        // After a failed write-back the page cache shows what the disk does not have: who opens the file next shall read the disk.
        if (_syncErrno != 0 && !_file.IsClosed) _ = Libc.PosixFadvise(_file, 0, 0, Libc.POSIX_FADV_DONTNEED);
        _file.Dispose();
    }

    private void ThrowUnlessInterrupted(string verb, long offset, long length)
    {
        var errno = Marshal.GetLastPInvokeError();
        if (errno != Libc.EINTR) throw Failed($"{verb} {length} bytes at {offset} of", errno);
    }

    private BlockFileException Failed(string action, int errno)
    {
        var error = errno switch
        {
            Libc.ENOSPC or Libc.EDQUOT or Libc.EFBIG => BlockFileError.NoSpace,
            Libc.EROFS or Libc.EBADF or Libc.EPERM => BlockFileError.ReadOnly,
            _ => BlockFileError.Io,
        };
        return new BlockFileException(error, $"cannot {action} '{_path}': {Marshal.GetPInvokeErrorMessage(errno)}");
    }
}
