namespace Qcow2Target.Qcow2.Io;

/// <summary>Why a file was not opened.</summary>
public enum ImageFileError
{
    /// <summary>ENOENT, ENOTDIR, a loop of links, or no name at all.</summary>
    NotFound,

    /// <summary>EACCES, EPERM, EROFS for an image that is to be written.</summary>
    PermissionDenied,

    /// <summary>The path leads outside the configured roots.</summary>
    OutsideRoots,

    /// <summary>It lies in a backing root: it may be a base, but not be attached.</summary>
    BackingOnly,

    /// <summary>Neither a regular file nor an allowed block device.</summary>
    NotRegularFile,

    /// <summary>A path or backing file name with a protocol prefix (<c>nbd:</c>, <c>json:</c>, <c>file:</c>).</summary>
    ProtocolName,

    /// <summary>The overlay was opened through a link, and different files of that name lie beside the link and beside its target.</summary>
    AmbiguousBacking,

    /// <summary>Another process, or another role in this one, holds a conflicting lock.</summary>
    InUse,

    /// <summary>The file system has no open-file-description locks.</summary>
    LocksUnsupported,

    /// <summary>EIO and all that has no better name.</summary>
    Io,
}

/// <summary>A file that an image needs could not be opened under the host's rules.</summary>
public sealed class ImageFileException(ImageFileError error, string path, string message, Exception? inner = null) : IOException(message, inner)
{
    public ImageFileError Error { get; } = error;

    /// <summary>The path or name as it was given.</summary>
    public string Path { get; } = path;
}
