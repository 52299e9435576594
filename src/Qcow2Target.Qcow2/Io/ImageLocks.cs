using System.Runtime.InteropServices;
using Qcow2Target.Interop;

namespace Qcow2Target.Qcow2.Io;

/// <summary>
/// QEMU's image locks (block/file-posix.c): read locks of single bytes that belong to the open file description. Byte 100+n says "I use permission n",
/// byte 200+n "I do not let others use permission n"; a holder takes its bytes first and then tests those of others, so that of two racers both may
/// fail but never both win. The locks end when the descriptor is closed.
/// </summary>
internal static class ImageLocks
{
    private const int ConsistentRead = 0;
    private const int Write = 1;
    private const int Resize = 3;
    private const int Uses = 100;
    private const int Unshares = 200;

    // What QEMU 7.2 holds and tests for an active image and for one it only reads (found by strace and F_OFD_GETLK).
    private static readonly int[] WriterHolds = [Uses + ConsistentRead, Uses + Write, Uses + Resize, Unshares + Write, Unshares + Resize];
    private static readonly int[] WriterTests = [Unshares + ConsistentRead, Unshares + Write, Unshares + Resize, Uses + Write, Uses + Resize];
    private static readonly int[] ReaderHolds = [Uses + ConsistentRead, Unshares + Write, Unshares + Resize];
    private static readonly int[] ReaderTests = [Unshares + ConsistentRead, Uses + Write, Uses + Resize];

    // The guest's bytes of an external data file may be written by those who share it; its image is what only one may write.
    private static readonly int[] DataHolds = [Uses + ConsistentRead, Uses + Write, Uses + Resize, Unshares + Resize];
    private static readonly int[] DataTests = [Unshares + ConsistentRead, Unshares + Write, Unshares + Resize, Uses + Resize];

    /// <summary>Takes the locks of <paramref name="role"/>. When it throws, some may be held: close the descriptor.</summary>
    /// <exception cref="ImageFileException">In use by another process, or the file system has no such locks.</exception>
    internal static void Take(FileDescriptor file, ImageRole role, string path)
    {
        var (holds, tests) = role switch
        {
            ImageRole.ActiveReadWrite => (WriterHolds, WriterTests),
            ImageRole.DataReadWrite => (DataHolds, DataTests),
            _ => (ReaderHolds, ReaderTests),
        };
        foreach (var position in holds)
        {
            var range = new Flock { Type = Libc.F_RDLCK, Start = position, Length = 1 };
            Apply(file, Libc.F_OFD_SETLK, ref range, path, position);
        }
        foreach (var position in tests)
        {
            // "Could I lock it for writing?": no, when another open file description has it locked for reading.
            var range = new Flock { Type = Libc.F_WRLCK, Start = position, Length = 1 };
            Apply(file, Libc.F_OFD_GETLK, ref range, path, position);
            if (range.Type != Libc.F_UNLCK) throw InUse(path, position);
        }
    }

    private static void Apply(FileDescriptor file, int command, ref Flock range, string path, int position)
    {
        while (Libc.FcntlLock(file, command, ref range) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            switch (errno)
            {
                case Libc.EINTR:
                    continue;
                case Libc.EAGAIN or Libc.EACCES:
                    throw InUse(path, position);
                case Libc.EINVAL or Libc.ENOLCK or Libc.ENOSYS or Libc.EOPNOTSUPP:
                    throw new ImageFileException(ImageFileError.LocksUnsupported, path, $"'{path}': the file system has no open-file-description locks "
                        + $"({Marshal.GetPInvokeErrorMessage(errno)}), so nothing would keep two processes from writing it; move it to one that has them");
                default:
                    throw new ImageFileException(ImageFileError.Io, path, $"'{path}' cannot be locked: {Marshal.GetPInvokeErrorMessage(errno)}");
            }
        }
    }

    private static ImageFileException InUse(string path, int position)
    {
        var how = position switch
        {
            Uses + Write => "it is open there for writing",
            Uses + Resize => "it may be resized there",
            Unshares + ConsistentRead => "it may not be read now",
            Unshares + Write or Unshares + Resize => "it is open there and may not change",
            _ => "it is locked as a whole",
        };
        return new ImageFileException(ImageFileError.InUse, path, $"'{path}' is in use by another process: {how} (lock byte {position})");
    }
}
