using System.Numerics;

namespace Qcow2Target.Qcow2.Format;

/// <summary>The shape of one image: sizes, shifts and masks, computed once from its header. Standard 8-byte L2 entries.</summary>
public sealed class ClusterGeometry
{
    /// <param name="clusterBits">log2 of the cluster size, 9..21.</param>
    /// <param name="refcountOrder">log2 of the width of a refcount in bits, 0..6.</param>
    /// <param name="version">2 or 3.</param>
    /// <param name="virtualSize">Bytes.</param>
    public ClusterGeometry(int clusterBits, int refcountOrder, int version, long virtualSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(clusterBits, MinClusterBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(clusterBits, MaxClusterBits);
        ArgumentOutOfRangeException.ThrowIfNegative(refcountOrder);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(refcountOrder, 6);
        ArgumentOutOfRangeException.ThrowIfNegative(virtualSize);
        ClusterBits = clusterBits;
        ClusterBytes = 1 << clusterBits;
        L2EntryCount = ClusterBytes / sizeof(ulong);
        L1Shift = clusterBits + BitOperations.Log2((uint)L2EntryCount);
        RefcountOrder = refcountOrder;
        RefcountsPerBlock = (int)((long)ClusterBytes * 8 >> refcountOrder);
        Version = version;
        VirtualSize = virtualSize;
    }

    public const int MinClusterBits = 9;

    public const int MaxClusterBits = 21;

    /// <summary>Unit that is written whole or not at all by a disk; table entries never cross one.</summary>
    public const int SectorBytes = 512;

    public int ClusterBits { get; }

    public int ClusterBytes { get; }

    /// <summary>Entries of an L2 table, which is one cluster.</summary>
    public int L2EntryCount { get; }

    /// <summary>log2 of the guest bytes that one L2 table maps.</summary>
    public int L1Shift { get; }

    public int RefcountOrder { get; }

    /// <summary>Counts in one refcount block, which is one cluster.</summary>
    public int RefcountsPerBlock { get; }

    public int Version { get; }

    /// <summary>Version 3 entries may carry the zero flag; in version 2 it is a contradiction.</summary>
    public bool HasZeroFlag => Version >= 3;

    /// <summary>Bytes of the virtual disk.</summary>
    public long VirtualSize { get; }

    /// <summary>L1 entries that the virtual size needs.</summary>
    public long L1EntriesNeeded => VirtualSize == 0 ? 0 : ((VirtualSize - 1) >> L1Shift) + 1;

    public int L1Index(long guestOffset) => (int)(guestOffset >> L1Shift);

    public int L2Index(long guestOffset) => (int)(guestOffset >> ClusterBits) & (L2EntryCount - 1);

    public int OffsetInCluster(long offset) => (int)offset & (ClusterBytes - 1);

    public bool IsClusterAligned(ulong offset) => (offset & (ulong)(ClusterBytes - 1)) == 0;

    /// <summary>Clusters that <paramref name="bytes"/> begin, the last one perhaps in part.</summary>
    public long ClustersIn(long bytes) => bytes == 0 ? 0 : ((bytes - 1) >> ClusterBits) + 1;
}
