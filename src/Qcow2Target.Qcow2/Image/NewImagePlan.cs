using System.Numerics;
using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>Where the parts of a new image lie, in clusters; all that can be wrong with the options has been said before it exists.</summary>
internal sealed class NewImagePlan
{
    private NewImagePlan(ClusterGeometry geometry) => Geometry = geometry;

    internal ClusterGeometry Geometry { get; }

    internal long RefcountTableClusters { get; private init; }

    internal long RefcountBlocks { get; private init; }

    internal long L1Start => 1 + RefcountTableClusters + RefcountBlocks;

    internal long L2Start { get; private init; }

    internal long DataStart { get; private init; }

    /// <summary>Data clusters that get a place; 0 without preallocation.</summary>
    internal long DataClusters { get; private init; }

    /// <summary>All clusters of the file.</summary>
    internal long Clusters => DataStart + DataClusters;

    /// <exception cref="ArgumentException">The options contradict each other or a limit.</exception>
    internal static NewImagePlan For(ImageCreateOptions options)
    {
        Require(options.VirtualSize >= ClusterGeometry.SectorBytes && options.VirtualSize % ClusterGeometry.SectorBytes == 0,
            $"a virtual size of {options.VirtualSize} is not a positive multiple of {ClusterGeometry.SectorBytes}");
        Require(options.BackingFormat is null or "raw" or "qcow2" && (options.BackingName is null) == (options.BackingFormat is null),
            "a backing file is named together with its format, raw or qcow2");
        Require(options.RefcountBits is >= 1 and <= 64 && BitOperations.IsPow2(options.RefcountBits), $"refcounts of {options.RefcountBits} bits: 1, 2, 4, 8, 16, 32 or 64");
        var least = options.L2Form == L2Form.Extended ? ClusterGeometry.MinExtendedClusterBits : ClusterGeometry.MinClusterBits;
        Require(options.ClusterBits >= least && options.ClusterBits <= ClusterGeometry.MaxClusterBits,
            $"clusters of 2^{options.ClusterBits} bytes: {1 << least} to {1 << ClusterGeometry.MaxClusterBits}{(options.L2Form == L2Form.Extended ? " with extended L2 entries" : "")}");
        // With standard entries a place in the file is content: the base would be hidden.
        Require(options.Preallocation == Preallocation.Off || options.BackingName is null || options.L2Form == L2Form.Extended,
            "an overlay is preallocated only with extended L2 entries");

        var geometry = new ClusterGeometry(options.ClusterBits, BitOperations.Log2((uint)options.RefcountBits), 3, options.VirtualSize, options.L2Form);
        var l1Bytes = geometry.L1EntriesNeeded * sizeof(ulong);
        Require(l1Bytes <= ImageHeader.MaxL1Bytes, $"a virtual size of {options.VirtualSize} is too large for clusters of {geometry.ClusterBytes} bytes");
        var l1Clusters = geometry.ClustersIn(l1Bytes);
        var isPreallocated = options.Preallocation == Preallocation.Metadata;
        var l2Clusters = isPreallocated ? geometry.L1EntriesNeeded : 0;
        var dataClusters = isPreallocated ? geometry.ClustersIn(options.VirtualSize) : 0;
        var (tableClusters, blocks) = SizeRefcounts(geometry, 1 + l1Clusters + l2Clusters + dataClusters);
        Require(tableClusters << geometry.ClusterBits <= ImageHeader.MaxRefcountTableBytes,
            $"a virtual size of {options.VirtualSize} is too large to be preallocated with clusters of {geometry.ClusterBytes} bytes and refcounts of {options.RefcountBits} bits");
        var l2Start = 1 + tableClusters + blocks + l1Clusters;
        return new NewImagePlan(geometry)
        {
            RefcountTableClusters = tableClusters,
            RefcountBlocks = blocks,
            L2Start = l2Start,
            DataStart = l2Start + l2Clusters,
            DataClusters = dataClusters,
        };
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

    private static void Require(bool condition, string message)
    {
        if (!condition) throw new ArgumentException(message);
    }
}
