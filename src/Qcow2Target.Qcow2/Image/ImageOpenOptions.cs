using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What may be done to an image that is opened.</summary>
public enum ImageAccess
{
    /// <summary>No byte of the file changes.</summary>
    ReadOnly,

    ReadWrite,
}

/// <summary>Whether images may keep their data in an external file that their header names.</summary>
public enum DataFileUse
{
    /// <summary>Such images are refused by name: whoever can write a header could name any file below the roots.</summary>
    Refused,

    Allowed,
}

/// <summary>How to open an image.</summary>
public sealed record ImageOpenOptions
{
    /// <summary>The file, as <see cref="IImageFiles.Open"/> takes it.</summary>
    public required string Path { get; init; }

    public required ImageAccess Access { get; init; }

    /// <summary>Where files come from.</summary>
    public required IImageFiles Files { get; init; }

    /// <summary>Where backing images come from, and where pending logs lie; one for the daemon, so that overlays share theirs.</summary>
    public required BackingImages Backings { get; init; }

    /// <summary>What the cached tables of all images may hold together; one for the daemon.</summary>
    public required CacheBudget Cache { get; init; }

    /// <summary>What to do where the image is marked as having pending writes and their log is not here or does not fit. For writing only.</summary>
    public PendingRule Pending { get; init; } = PendingRule.Keep;

    /// <summary>What holds for images with an external data file, those below this one included.</summary>
    public DataFileUse DataFiles { get; init; }

    /// <summary>
    /// How long opening for writing looks through the metadata before it returns. What is left is a job of the writer: reads are served meanwhile,
    /// changes wait for its end, and damage found then ends writing (<see cref="ImageFaultKind.ReadOnly"/>). Negative: as long as it takes.
    /// </summary>
    public TimeSpan ScanTime { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>The clock of the commit timer.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
