using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What a new image looks like.</summary>
public sealed record ImageCreateOptions
{
    /// <summary>Bytes, a multiple of 512, at least 512; at most what an L1 table of 32 MiB maps.</summary>
    public required long VirtualSize { get; init; }

    /// <summary>log2 of the cluster size, 9..21.</summary>
    public int ClusterBits { get; init; } = 16;

    /// <summary>Width of a refcount in bits: 1, 2, 4, 8, 16, 32 or 64.</summary>
    public int RefcountBits { get; init; } = 16;

    /// <summary>Name of the backing file as it shall stand in the header, or null.</summary>
    public string? BackingName { get; init; }

    /// <summary><c>qcow2</c> or <c>raw</c>; with a backing file and only then.</summary>
    public string? BackingFormat { get; init; }
}

/// <summary>Makes new images: empty or overlay, version 3, nothing allocated but the tables.</summary>
public static class ImageCreator
{
    private const int HeaderBytes = 112;

    /// <summary>Writes a new image into an empty file and syncs it. Layout: header, refcount table, refcount blocks, L1 table.</summary>
    /// <exception cref="ArgumentException">The options contradict each other or a limit.</exception>
    /// <exception cref="BlockFileException">The file could not be written.</exception>
    public static void Create(IBlockFile file, ImageCreateOptions options)
    {
        if (options.VirtualSize < ClusterGeometry.SectorBytes || options.VirtualSize % ClusterGeometry.SectorBytes != 0)
            throw new ArgumentException($"virtual size {options.VirtualSize} is not a positive multiple of {ClusterGeometry.SectorBytes}", nameof(options));
        if (options.BackingFormat is not (null or "raw" or "qcow2") || (options.BackingName is null) != (options.BackingFormat is null))
            throw new ArgumentException("a backing file is named together with its format, raw or qcow2", nameof(options));
        if (options.RefcountBits is < 1 or > 64 || !BitOperations.IsPow2(options.RefcountBits))
            throw new ArgumentException($"refcounts of {options.RefcountBits} bits: 1, 2, 4, 8, 16, 32 or 64", nameof(options));
        var geometry = new ClusterGeometry(options.ClusterBits, BitOperations.Log2((uint)options.RefcountBits), 3, options.VirtualSize);
        var l1Bytes = geometry.L1EntriesNeeded * sizeof(ulong);
        if (l1Bytes > ImageHeader.MaxL1Bytes) throw new ArgumentException($"virtual size {options.VirtualSize} is too large for clusters of {geometry.ClusterBytes} bytes", nameof(options));

        var l1Clusters = geometry.ClustersIn(l1Bytes);
        var (tableClusters, blocks) = SizeRefcounts(geometry, 1 + l1Clusters);
        var l1Start = 1 + tableClusters + blocks;

        // Counts first, the L1 table as zeros, the header last: until it stands there the file is no image.
        var used = l1Start + l1Clusters;
        var block = new byte[geometry.ClusterBytes];
        var table = new byte[tableClusters * geometry.ClusterBytes];
        for (long index = 0; index < blocks; index++)
        {
            var first = index * geometry.RefcountsPerBlock;
            block.AsSpan().Clear();
            for (var i = 0; i < geometry.RefcountsPerBlock && first + i < used; i++) RefcountBlock.Set(block, i, geometry.RefcountOrder, 1);
            var offset = (1 + tableClusters + index) << geometry.ClusterBits;
            file.Write(offset, block);
            BinaryPrimitives.WriteInt64BigEndian(table.AsSpan((int)index * sizeof(ulong)), offset);
        }
        file.Write(geometry.ClusterBytes, table);
        block.AsSpan().Clear();
        for (long done = 0; done < l1Bytes; done += block.Length)
            file.Write((l1Start << geometry.ClusterBits) + done, block.AsSpan(0, (int)Math.Min(block.Length, l1Bytes - done)));
        file.Sync();
        file.Write(0, Header(geometry, options, l1Start, tableClusters));
        file.Sync();
    }

    // The refcount structures count themselves, so their size is found by trying until it no longer grows.
    private static (long TableClusters, long Blocks) SizeRefcounts(ClusterGeometry geometry, long otherClusters)
    {
        long tableClusters = 1, blocks = 1;
        while (true)
        {
            var total = otherClusters + tableClusters + blocks;
            var needed = ((total - 1) / geometry.RefcountsPerBlock) + 1;
            var neededTable = geometry.ClustersIn(needed * sizeof(ulong));
            if (needed == blocks && neededTable == tableClusters) return (tableClusters, blocks);
            (tableClusters, blocks) = (neededTable, needed);
        }
    }

    private static byte[] Header(ClusterGeometry geometry, ImageCreateOptions options, long l1Start, long tableClusters)
    {
        var header = new byte[geometry.ClusterBytes];
        U32(0, ImageHeader.Magic);
        U32(4, 3);
        U32(20, (uint)geometry.ClusterBits);
        U64(24, options.VirtualSize);
        U32(36, (uint)geometry.L1EntriesNeeded);
        U64(40, l1Start << geometry.ClusterBits);
        U64(ImageHeader.RefcountTableField, geometry.ClusterBytes);
        U32(56, (uint)tableClusters);
        U32(96, (uint)geometry.RefcountOrder);
        U32(100, HeaderBytes);
        if (options.BackingName is null) return header;

        var position = HeaderBytes;
        var format = Encoding.UTF8.GetBytes(options.BackingFormat!);
        U32(position, (uint)HeaderExtensionType.BackingFormat);
        U32(position + 4, (uint)format.Length);
        format.CopyTo(header.AsSpan(position + 8));
        position += 8 + ((format.Length + 7) & ~7) + 8;
        var name = Encoding.UTF8.GetBytes(options.BackingName);
        if (name.Length is 0 or > ImageHeader.MaxBackingNameBytes || position + name.Length > header.Length)
            throw new ArgumentException($"backing file name of {name.Length} bytes does not fit the header", nameof(options));
        name.CopyTo(header.AsSpan(position));
        U64(8, position);
        U32(16, (uint)name.Length);
        return header;

        void U32(int offset, uint value) => BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(offset), value);
        void U64(int offset, long value) => BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(offset), value);
    }
}
