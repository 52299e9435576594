namespace Qcow2Target.Qcow2.Image;

/// <summary>What went wrong with one request on an open image.</summary>
public enum ImageFaultKind
{
    /// <summary>The bytes could not be read: the file reported an error, or this part of the image contradicts itself.</summary>
    ReadError,

    /// <summary>The bytes could not be written, or a sync failed and what was written before it is of unknown fate.</summary>
    WriteError,

    /// <summary>The file system is full. Nothing was changed; the same request may succeed later.</summary>
    NoSpace,

    /// <summary>The metadata contradicts itself: nothing more is written to this image.</summary>
    Corrupt,

    /// <summary>The image is open for reading only.</summary>
    ReadOnly,

    /// <summary>The image is being closed.</summary>
    Closed,

    /// <summary>What was asked cannot be done to an image of this form. Nothing was changed.</summary>
    NotSupported,

    /// <summary>What was asked would go over a limit of the format. Nothing was changed.</summary>
    LimitExceeded,
}

/// <summary>Why a request on an image failed. The message is for the log; the kind decides what is done.</summary>
public sealed record ImageFault(ImageFaultKind Kind, string Message, Exception? Cause = null);

/// <summary>An <see cref="ImageFault"/> on the paths that answer at once.</summary>
public sealed class ImageFaultException(ImageFault fault) : IOException(fault.Message, fault.Cause)
{
    public ImageFault Fault { get; } = fault;
}
