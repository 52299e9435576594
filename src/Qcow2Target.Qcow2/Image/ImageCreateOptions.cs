using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What a new image looks like.</summary>
public sealed record ImageCreateOptions
{
    /// <summary>Bytes, a multiple of 512, at least 512; at most what an L1 table of 32 MiB maps.</summary>
    public required long VirtualSize { get; init; }

    /// <summary>log2 of the cluster size, 9..21; with extended L2 entries 14..21.</summary>
    public int ClusterBits { get; init; } = 16;

    /// <summary>Width of a refcount in bits: 1, 2, 4, 8, 16, 32 or 64.</summary>
    public int RefcountBits { get; init; } = 16;

    /// <summary>Form of the L2 entries: extended ones tell of 32 sub-clusters each (incompatible feature bit 4).</summary>
    public L2Form L2Form { get; init; } = L2Form.Standard;

    /// <summary>What writers of the image may do with its refcounts.</summary>
    public RefcountDuty Refcounting { get; init; } = RefcountDuty.Strict;

    /// <summary>What is there before anything is written.</summary>
    public Preallocation Preallocation { get; init; } = Preallocation.Off;

    /// <summary>Name of the backing file as it shall stand in the header, or null.</summary>
    public string? BackingName { get; init; }

    /// <summary><c>qcow2</c> or <c>raw</c>; with a backing file and only then.</summary>
    public string? BackingFormat { get; init; }
}

/// <summary>What is there in a new image before anything is written.</summary>
public enum Preallocation
{
    /// <summary>Nothing: clusters come with the writes.</summary>
    Off,

    /// <summary>All tables, and a place in the file for every cluster; the file is as long as it will get, and sparse.</summary>
    Metadata,
}

/// <summary>Whether refcounts may lag behind (compatible feature bit 0). We never let them; other programs that write the image may.</summary>
public enum RefcountDuty
{
    Strict,

    /// <summary>A program that writes the image may set the dirty bit and write refcounts late.</summary>
    Lazy,
}
