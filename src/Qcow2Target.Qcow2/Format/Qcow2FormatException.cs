namespace Qcow2Target.Qcow2.Format;

/// <summary>Why an image was refused.</summary>
public enum Qcow2FormatError
{
    /// <summary>The file does not begin with the qcow2 magic.</summary>
    NotQcow2,

    /// <summary>A version other than 2 and 3.</summary>
    UnsupportedVersion,

    /// <summary>A header field, extension or table is out of its range, beyond a limit, or beyond the end of the file.</summary>
    Malformed,

    /// <summary>An incompatible feature that is unknown or not supported, named in the message.</summary>
    UnsupportedFeature,

    /// <summary>AES or LUKS.</summary>
    Encrypted,

    /// <summary>A virtual disk of less than one sector.</summary>
    EmptyDisk,

    /// <summary>Refused for writing only: the corrupt bit.</summary>
    ReadOnlyFeature,

    /// <summary>Refused for writing only: the structure scan found a contradiction.</summary>
    Inconsistent,

    /// <summary>Refused for writing only: writes that completed are in a pending log that is not here, or that does not fit the image.</summary>
    PendingWrites,

    /// <summary>A backing file without a declared format that is not qcow2 by magic, or with one that is not known.</summary>
    BackingFormat,

    /// <summary>The chain comes back to a file that it has passed.</summary>
    BackingLoop,

    /// <summary>The chain is deeper, or its tables together larger, than the limit.</summary>
    LimitExceeded,
}

/// <summary>An image that is not opened as was asked: the fault is the image's, not the machine's.</summary>
/// <param name="offset">Byte of the file where the offending value stands; 0 where no single one is to blame.</param>
public sealed class Qcow2FormatException(Qcow2FormatError error, long offset, string message) : FormatException(message)
{
    public Qcow2FormatError Error { get; } = error;

    public long Offset { get; } = offset;
}
