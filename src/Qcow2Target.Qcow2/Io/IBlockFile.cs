namespace Qcow2Target.Qcow2.Io;

/// <summary>
/// The seam under an image: one open file. Tests put one in memory, one that fails and one that records here.
/// All members but <see cref="IDisposable.Dispose"/> may be called from several threads at once; offsets and lengths are bytes.
/// </summary>
public interface IBlockFile : IDisposable
{
    /// <summary>Length of the file now, in bytes. Asked of the file, not remembered: another process may truncate it.</summary>
    long Length { get; }

    /// <summary>
    /// Reads <paramref name="destination"/> whole if that can be done without waiting for a disk (RWF_NOWAIT). Bytes past the end
    /// of the file are zeros. False: nothing can be said of <paramref name="destination"/>, call <see cref="Read"/> where waiting is allowed.
    /// </summary>
    bool TryRead(long offset, Span<byte> destination);

    /// <summary>Reads <paramref name="destination"/> whole; bytes past the end of the file are zeros.</summary>
    /// <exception cref="BlockFileException">The file system reported an error.</exception>
    void Read(long offset, Span<byte> destination);

    /// <summary>Writes all of <paramref name="source"/>, extending the file where needed. Not durable before <see cref="Sync"/>.</summary>
    /// <exception cref="BlockFileException">An error; <see cref="BlockFileError.NoSpace"/> where the file system or quota is full.</exception>
    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>
    /// Makes the range read as zeros and gives its space back (fallocate PUNCH_HOLE, KEEP_SIZE); where the file system cannot, the
    /// range keeps its bytes and false is returned. The length of the file does not change.
    /// </summary>
    /// <exception cref="BlockFileException">An error other than "not supported".</exception>
    bool Punch(long offset, long length);

    /// <summary>
    /// Makes all that was written before durable (fdatasync). Where several are asked for at once they run one after the other, and after one has
    /// failed all later ones fail until the file is opened anew: a kernel tells a lost write to one caller only, and no other may take that for success.
    /// </summary>
    /// <exception cref="BlockFileException">What was written since the last good sync is of unknown fate.</exception>
    void Sync();
}
