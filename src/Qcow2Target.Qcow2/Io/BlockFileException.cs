namespace Qcow2Target.Qcow2.Io;

/// <summary>What kind of fault a file reported: decides whether a write may be tried again.</summary>
public enum BlockFileError
{
    /// <summary>EIO and all that has no better name.</summary>
    Io,

    /// <summary>ENOSPC, EDQUOT, EFBIG: heals when space is given.</summary>
    NoSpace,

    /// <summary>EROFS, EBADF on a file opened for reading.</summary>
    ReadOnly,
}

/// <summary>A read, write, punch or sync of an <see cref="IBlockFile"/> that failed: the machine's fault, not the image's.</summary>
public sealed class BlockFileException(BlockFileError error, string message, Exception? inner = null) : IOException(message, inner)
{
    public BlockFileError Error { get; } = error;
}
