using System.Numerics;

namespace Qcow2Target.Qcow2.Format;

/// <summary>The form of the entries of L2 tables.</summary>
public enum L2Form
{
    /// <summary>8 bytes for each guest cluster.</summary>
    Standard,

    /// <summary>16 bytes for each guest cluster, with its 32 sub-clusters. Version 3, clusters of 16 KiB or more.</summary>
    Extended,
}

/// <summary>Which file holds the guest's data.</summary>
public enum DataPlace
{
    /// <summary>The image file, in counted clusters.</summary>
    Image,

    /// <summary>An external data file: each guest cluster at its own guest offset, uncounted. Version 3.</summary>
    DataFile,
}

/// <summary>The shape of one image: sizes, shifts and masks, computed once from its header.</summary>
public sealed class ClusterGeometry
{
    private const int SubclusterCountBits = 5;

    private readonly L2Form _form;

    /// <param name="clusterBits">log2 of the cluster size, 9..21; 14..21 with extended entries.</param>
    /// <param name="refcountOrder">log2 of the width of a refcount in bits, 0..6.</param>
    /// <param name="version">2 or 3.</param>
    /// <param name="virtualSize">Bytes.</param>
    public ClusterGeometry(int clusterBits, int refcountOrder, int version, long virtualSize, L2Form form = L2Form.Standard, DataPlace dataPlace = DataPlace.Image)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(clusterBits, form == L2Form.Extended ? MinExtendedClusterBits : MinClusterBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(clusterBits, MaxClusterBits);
        ArgumentOutOfRangeException.ThrowIfNegative(refcountOrder);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(refcountOrder, 6);
        ArgumentOutOfRangeException.ThrowIfNegative(virtualSize);
        ClusterBits = clusterBits;
        ClusterBytes = 1 << clusterBits;
        _form = form;
        HasDataFile = dataPlace == DataPlace.DataFile;
        L2EntryBytes = HasExtendedL2 ? 2 * sizeof(ulong) : sizeof(ulong);
        L2EntryCount = ClusterBytes / L2EntryBytes;
        L1Shift = clusterBits + BitOperations.Log2((uint)L2EntryCount);
        RefcountOrder = refcountOrder;
        RefcountsPerBlock = (int)((long)ClusterBytes * 8 >> refcountOrder);
        Version = version;
        VirtualSize = virtualSize;
    }

    /// <summary>The shape that a header tells. A disk is served in whole sectors; what the header has beyond the last one is out of reach, as in QEMU.</summary>
    public static ClusterGeometry Of(ImageHeader header) => new(
        header.ClusterBits, header.RefcountOrder, header.Version, header.Size & ~(SectorBytes - 1L),
        header.Incompatible.HasFlag(IncompatibleFeatures.ExtendedL2) ? L2Form.Extended : L2Form.Standard,
        header.Incompatible.HasFlag(IncompatibleFeatures.ExternalDataFile) ? DataPlace.DataFile : DataPlace.Image);

    public const int MinClusterBits = 9;

    public const int MaxClusterBits = 21;

    /// <summary>With extended L2 entries a sub-cluster has at least 512 bytes.</summary>
    public const int MinExtendedClusterBits = 14;

    /// <summary>Unit that is written whole or not at all by a disk; table entries never cross one.</summary>
    public const int SectorBytes = 512;

    public int ClusterBits { get; }

    public int ClusterBytes { get; }

    /// <summary>L2 entries have 16 bytes and tell of 32 sub-clusters.</summary>
    public bool HasExtendedL2 => _form == L2Form.Extended;

    /// <summary>Guest data lies in an external data file, at its guest offset.</summary>
    public bool HasDataFile { get; }

    /// <summary>Bytes of an L2 entry: 8, or 16 where they are extended.</summary>
    public int L2EntryBytes { get; }

    /// <summary>Guest bytes that can be allocated by themselves: a 32nd of a cluster with extended L2 entries, else a whole one.</summary>
    public int AllocationBytes => HasExtendedL2 ? SubclusterBytes : ClusterBytes;

    /// <summary>A 32nd of a cluster, of which an entry can tell (<see cref="L2Entry.KindOf"/>); 16 bytes or more.</summary>
    public int SubclusterBytes => ClusterBytes >> SubclusterCountBits;

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

    /// <summary>Bytes of the virtual disk as the header had them; an open image may have grown since.</summary>
    public long VirtualSize { get; }

    /// <summary>L1 entries that the virtual size needs.</summary>
    public long L1EntriesNeeded => L1EntriesFor(VirtualSize);

    /// <summary>L1 entries that a virtual disk of <paramref name="bytes"/> needs.</summary>
    public long L1EntriesFor(long bytes) => bytes == 0 ? 0 : ((bytes - 1) >> L1Shift) + 1;

    public int L1Index(long guestOffset) => (int)(guestOffset >> L1Shift);

    public int L2Index(long guestOffset) => (int)(guestOffset >> ClusterBits) & (L2EntryCount - 1);

    /// <summary>Which sub-cluster of its cluster a byte lies in, 0..31.</summary>
    public int Subcluster(long offset) => OffsetInCluster(offset) >> (ClusterBits - SubclusterCountBits);

    /// <summary>The sub-clusters that a stretch within one cluster touches, bit n being the n-th.</summary>
    /// <param name="length">Bytes, at least 1; the stretch may not go beyond the cluster.</param>
    public uint Subclusters(long offset, int length)
    {
        var last = Subcluster(offset + length - 1);
        return uint.MaxValue << Subcluster(offset) & uint.MaxValue >> (L2Entry.SubclusterCount - 1 - last);
    }

    public int OffsetInCluster(long offset) => (int)offset & (ClusterBytes - 1);

    public bool IsClusterAligned(ulong offset) => (offset & (ulong)(ClusterBytes - 1)) == 0;

    /// <summary>Clusters that <paramref name="bytes"/> begin, the last one perhaps in part.</summary>
    public long ClustersIn(long bytes) => bytes == 0 ? 0 : ((bytes - 1) >> ClusterBits) + 1;
}
