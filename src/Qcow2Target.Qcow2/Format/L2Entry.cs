using System.Buffers.Binary;
using System.Numerics;

namespace Qcow2Target.Qcow2.Format;

/// <summary>What an L2 entry says of its guest cluster, or of one sub-cluster of it.</summary>
public enum L2EntryKind
{
    /// <summary>Nothing here: the backing image, else zeros. A sub-cluster may be so although there is a host cluster.</summary>
    Unallocated,

    /// <summary>Zeros, never the backing image; no host cluster.</summary>
    ZeroPlain,

    /// <summary>Zeros; a host cluster is kept, its bytes mean nothing.</summary>
    ZeroAllocated,

    /// <summary>Data in a host cluster.</summary>
    Normal,

    /// <summary>A compressed stream (<see cref="CompressedDescriptor"/>).</summary>
    Compressed,

    /// <summary>
    /// A contradiction: reserved bits, an unaligned or impossible offset, the zero flag in version 2, a sub-cluster that is both data and
    /// zeros, or data without a host cluster.
    /// </summary>
    Invalid,

    /// <summary>Sub-clusters of several kinds, or none allocated in a host cluster that is there. Of whole clusters and extended entries only.</summary>
    Mixed,
}

/// <summary>
/// An entry of an L2 table, standard (8 bytes) or extended (16 bytes).
/// <code>
/// 63 COPIED | 62 compressed | 61..56 reserved | 55..9 offset | 8..1 reserved | 0 reads as zero (version 3, standard only)
/// extended, second word: 63..32 sub-cluster reads as zeros | 31..0 sub-cluster is allocated
/// </code>
/// Both forms become the same value when they are read: every entry tells of 32 equal parts of its cluster, of which a standard one tells
/// the same. Only <see cref="DescriptorIn"/> and <see cref="BitmapIn"/>, which give the words of the file, know the form.
/// </summary>
public readonly record struct L2Entry
{
    /// <summary>Parts of a cluster that an entry tells of.</summary>
    public const int SubclusterCount = 32;

    /// <summary>Every sub-cluster, as a set.</summary>
    public const uint AllSubclusters = uint.MaxValue;

    private const ulong CopiedBit = 1UL << 63;
    private const ulong CompressedBit = 1UL << 62;
    private const ulong OffsetMask = 0x00ff_ffff_ffff_fe00;
    private const ulong ZeroBit = 1;
    private const ulong ReservedMask = 0x3f00_0000_0000_01fe;
    private const ulong AllAllocated = AllSubclusters;
    private const ulong AllZeros = (ulong)AllSubclusters << 32;

    // Reserved bits of the format, used in memory only. (In a compressed entry they are bits of the offset; an impossible one of those is
    // replaced whole.) One marks entries that Parse has found impossible: readers then need one test. The other one tells that there is
    // a host cluster: with an external data file its offset may be 0.
    private const ulong InvalidBit = 2;
    private const ulong HostBit = 4;

    private readonly ulong _raw;
    private readonly ulong _bitmap;

    private L2Entry(ulong raw, ulong bitmap) => (_raw, _bitmap) = (raw, bitmap);

    public static L2Entry Unallocated => default;

    public static L2Entry ZeroPlain => new(0, AllZeros);

    internal static L2Entry Invalid => new(InvalidBit, 0);

    public L2EntryKind Kind
    {
        get
        {
            if ((_raw & (CompressedBit | InvalidBit)) != 0) return (_raw & CompressedBit) != 0 ? L2EntryKind.Compressed : L2EntryKind.Invalid;
            return _bitmap switch
            {
                AllAllocated => L2EntryKind.Normal,
                AllZeros => HasHost ? L2EntryKind.ZeroAllocated : L2EntryKind.ZeroPlain,
                0 when !HasHost => L2EntryKind.Unallocated,
                _ => L2EntryKind.Mixed,
            };
        }
    }

    /// <summary>The refcount of the host cluster is exactly 1: it may be written in place.</summary>
    public bool IsCopied => (_raw & CopiedBit) != 0;

    public bool IsCompressed => (_raw & CompressedBit) != 0;

    /// <summary>There is a host cluster of its own, whatever it holds; false for a compressed entry.</summary>
    public bool HasHost => (_raw & (CompressedBit | HostBit)) == HostBit;

    /// <summary>There is a host cluster and this image alone owns it.</summary>
    public bool OwnsHost => (_raw & (CopiedBit | CompressedBit | HostBit)) == (CopiedBit | HostBit);

    /// <summary>The host cluster, where there is one. Meaningless for a compressed entry.</summary>
    public HostOffset Host => new((long)(_raw & OffsetMask));

    /// <summary>Sub-clusters whose data stands in the host cluster: bit n is the n-th.</summary>
    public uint AllocatedSubclusters => (uint)_bitmap;

    /// <summary>Sub-clusters that read as zeros.</summary>
    public uint ZeroSubclusters => (uint)(_bitmap >> 32);

    /// <summary>The first word, in the form in which <see cref="CompressedDescriptor"/> reads it. Of compressed entries.</summary>
    internal ulong Stream => _raw;

    /// <summary>What it says of one sub-cluster. Never <see cref="L2EntryKind.Mixed"/>.</summary>
    /// <param name="subcluster">0..31.</param>
    public L2EntryKind KindOf(int subcluster)
    {
        if ((_raw & (CompressedBit | InvalidBit)) != 0) return (_raw & CompressedBit) != 0 ? L2EntryKind.Compressed : L2EntryKind.Invalid;
        return ((_bitmap >> subcluster) & (1UL | (1UL << 32))) switch
        {
            1 => L2EntryKind.Normal,
            0 => L2EntryKind.Unallocated,
            _ => HasHost ? L2EntryKind.ZeroAllocated : L2EntryKind.ZeroPlain,
        };
    }

    /// <summary>How many sub-clusters from this one on are of its kind.</summary>
    public int RunFrom(int subcluster)
    {
        var allocated = AllocatedSubclusters >> subcluster;
        var zeros = ZeroSubclusters >> subcluster;
        // What was shifted in from above counts as another kind, but for the unallocated: those end with the cluster.
        if ((allocated & 1) != 0) return BitOperations.TrailingZeroCount(~(ulong)allocated);
        if ((zeros & 1) != 0) return BitOperations.TrailingZeroCount(~(ulong)zeros);
        return Math.Min(BitOperations.TrailingZeroCount(allocated | zeros), SubclusterCount - subcluster);
    }

    /// <summary>The guest cluster owns its host cluster, and these sub-clusters are data: what an in-place write needs.</summary>
    public bool IsWritableInPlace(uint subclusters) => OwnsHost && (AllocatedSubclusters & subclusters) == subclusters;

    /// <summary>The entry for a cluster full of data in a host cluster that this image alone owns.</summary>
    public static L2Entry Owned(HostOffset host) => OwnedEmpty(host) with { Bitmap = AllAllocated };

    /// <summary>The entry for a host cluster that this image alone owns and in which nothing is allocated yet. Extended.</summary>
    public static L2Entry OwnedEmpty(HostOffset host) => new((ulong)host.Value | CopiedBit | HostBit, 0);

    /// <summary>This entry, with these sub-clusters being data in its host cluster.</summary>
    public L2Entry WithData(uint subclusters) => this with { Bitmap = (_bitmap | subclusters) & ~((ulong)subclusters << 32) };

    /// <summary>This entry, with these sub-clusters reading as zeros. It keeps its host cluster.</summary>
    public L2Entry WithZeros(uint subclusters) => this with { Bitmap = (_bitmap | ((ulong)subclusters << 32)) & ~(ulong)subclusters };

    /// <summary>What this entry, none of whose sub-clusters is data, says without its host cluster.</summary>
    public L2Entry WithoutHost() => new(0, _bitmap & AllZeros);

    /// <summary>This entry's sub-clusters in another host cluster, which this image alone owns.</summary>
    public L2Entry MovedTo(HostOffset host) => OwnedEmpty(host) with { Bitmap = _bitmap };

    /// <summary>This entry as one that shares its host cluster.</summary>
    public L2Entry WithoutCopied() => new(_raw & ~CopiedBit, _bitmap);

    /// <summary>Reads a standard entry as it stands in the file. What is impossible becomes <see cref="L2EntryKind.Invalid"/>.</summary>
    public static L2Entry Parse(ulong descriptor, ClusterGeometry geometry) => Parse(descriptor, 0, geometry);

    /// <summary>Reads an entry as it stands in the file. What is impossible becomes <see cref="L2EntryKind.Invalid"/>.</summary>
    /// <param name="bitmap">The second word of an extended entry; means nothing for a standard or compressed one.</param>
    public static L2Entry Parse(ulong descriptor, ulong bitmap, ClusterGeometry geometry)
    {
        if ((descriptor & CompressedBit) != 0)
        {
            // COPIED is never set on a compressed entry; where it is, it means nothing. External data files hold no streams.
            descriptor &= ~CopiedBit;
            return !geometry.HasDataFile && CompressedDescriptor.TryParse(descriptor, geometry, out _) ? new(descriptor, 0) : Invalid;
        }
        if ((descriptor & ReservedMask) != 0 || !geometry.IsClusterAligned(descriptor & OffsetMask)) return Invalid;
        if ((descriptor & ZeroBit) != 0 && !(geometry.HasZeroFlag && !geometry.HasExtendedL2)) return Invalid;
        var entry = FromCached(descriptor, bitmap, geometry);
        var isContradiction = (entry.AllocatedSubclusters & entry.ZeroSubclusters) != 0 || (entry.AllocatedSubclusters != 0 && !entry.HasHost);
        return isContradiction ? Invalid : entry;
    }

    /// <summary>Reads an entry from the bytes of a table: <see cref="ClusterGeometry.L2EntryBytes"/> of them, big-endian.</summary>
    public static L2Entry ReadFrom(ReadOnlySpan<byte> bytes, ClusterGeometry geometry) => Parse(
        BinaryPrimitives.ReadUInt64BigEndian(bytes), geometry.HasExtendedL2 ? BinaryPrimitives.ReadUInt64BigEndian(bytes[sizeof(ulong)..]) : 0, geometry);

    /// <summary>An entry read earlier by <see cref="Parse(ulong, ulong, ClusterGeometry)"/>, from the words that were kept of it.</summary>
    internal static L2Entry FromCached(ulong descriptor, ulong bitmap, ClusterGeometry geometry)
    {
        if ((descriptor & (CompressedBit | InvalidBit)) != 0) return new(descriptor, 0);
        if ((descriptor & OffsetMask) != 0 || ((descriptor & CopiedBit) != 0 && geometry.HasDataFile)) descriptor |= HostBit;
        if (geometry.HasExtendedL2) return new(descriptor, bitmap);
        if ((descriptor & ZeroBit) != 0) return new(descriptor & ~ZeroBit, AllZeros);
        return new(descriptor, (descriptor & HostBit) != 0 ? AllAllocated : 0);
    }

    /// <summary>The first word of this entry as a file of this form has it: the whole of a standard entry.</summary>
    public ulong DescriptorIn(ClusterGeometry geometry)
    {
        if ((_raw & (CompressedBit | InvalidBit)) != 0) return _raw;
        return (_raw & ~HostBit) | (!geometry.HasExtendedL2 && _bitmap == AllZeros ? ZeroBit : 0);
    }

    /// <summary>The second word of this entry as a file of this form has it; 0 where its entries have one.</summary>
    public ulong BitmapIn(ClusterGeometry geometry) => geometry.HasExtendedL2 ? _bitmap : 0;

    private ulong Bitmap
    {
        init => _bitmap = value;
    }
}
