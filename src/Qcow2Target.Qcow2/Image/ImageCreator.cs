using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What a new image looks like.</summary>
public sealed record ImageCreateOptions
{
    /// <summary>Bytes, a multiple of 512, at least 512.</summary>
    public required long VirtualSize { get; init; }

    /// <summary>log2 of the cluster size, 9..21.</summary>
    public int ClusterBits { get; init; } = 16;

    /// <summary>Name of the backing file as it shall stand in the header, or null.</summary>
    public string? BackingName { get; init; }

    /// <summary><c>qcow2</c> or <c>raw</c>; needed with a backing file.</summary>
    public string? BackingFormat { get; init; }
}

/// <summary>Makes new images: empty or overlay, version 3, 16-bit refcounts, nothing allocated but the tables.</summary>
public static class ImageCreator
{
    /// <summary>Writes a new image into an empty file and syncs it.</summary>
    /// <exception cref="ArgumentException">The options contradict each other or a limit.</exception>
    /// <exception cref="BlockFileException">The file could not be written.</exception>
    public static void Create(IBlockFile file, ImageCreateOptions options) => throw new NotSupportedException();
}
