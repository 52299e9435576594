namespace Qcow2Target.Qcow2.Format;

/// <summary>What an L2 entry says of its guest cluster.</summary>
public enum L2EntryKind
{
    /// <summary>Nothing here: the backing image, else zeros.</summary>
    Unallocated,

    /// <summary>Zeros, never the backing image; no host cluster.</summary>
    ZeroPlain,

    /// <summary>Zeros; a host cluster is kept, its bytes mean nothing.</summary>
    ZeroAllocated,

    /// <summary>Data in a host cluster.</summary>
    Normal,

    /// <summary>A compressed stream (<see cref="CompressedDescriptor"/>).</summary>
    Compressed,

    /// <summary>A contradiction: reserved bits, an unaligned or impossible offset, the zero flag in version 2.</summary>
    Invalid,
}

/// <summary>
/// A standard entry of an L2 table.
/// <code>63 COPIED | 62 compressed | 61..56 reserved | 55..9 offset | 8..1 reserved | 0 reads as zero (version 3)</code>
/// </summary>
public readonly record struct L2Entry
{
    private const ulong CopiedBit = 1UL << 63;
    private const ulong CompressedBit = 1UL << 62;
    private const ulong OffsetMask = 0x00ff_ffff_ffff_fe00;
    private const ulong ZeroBit = 1;
    private const ulong ReservedMask = 0x3f00_0000_0000_01fe;

    // A reserved bit of the format marks, in memory only, entries that Parse has found impossible: readers then need one test.
    // (In a compressed entry it is a bit of the offset; an impossible one of those is replaced whole.)
    private const ulong InvalidBit = 2;

    private L2Entry(ulong raw) => Raw = raw;

    /// <summary>The value as it stands in a cached table.</summary>
    public ulong Raw { get; }

    public static L2Entry Unallocated => default;

    public static L2Entry ZeroPlain => new(ZeroBit);

    public L2EntryKind Kind
    {
        get
        {
            if ((Raw & (CompressedBit | ZeroBit | InvalidBit)) == 0) return (Raw & OffsetMask) != 0 ? L2EntryKind.Normal : L2EntryKind.Unallocated;
            if ((Raw & CompressedBit) != 0) return L2EntryKind.Compressed;
            if ((Raw & InvalidBit) != 0) return L2EntryKind.Invalid;
            return (Raw & OffsetMask) != 0 ? L2EntryKind.ZeroAllocated : L2EntryKind.ZeroPlain;
        }
    }

    /// <summary>The refcount of the host cluster is exactly 1: it may be written in place.</summary>
    public bool IsCopied => (Raw & CopiedBit) != 0;

    /// <summary>The guest cluster owns its host cluster and shows it: what an in-place write needs.</summary>
    public bool IsWritableInPlace => (Raw & (CopiedBit | CompressedBit | ZeroBit | InvalidBit)) == CopiedBit && (Raw & OffsetMask) != 0;

    /// <summary>Host cluster of a normal or preallocated zero entry; 0 where there is none. Meaningless for a compressed one.</summary>
    public HostOffset Host => new((long)(Raw & OffsetMask));

    /// <summary>The entry for data in a host cluster that this image alone owns.</summary>
    public static L2Entry Owned(HostOffset host) => new((ulong)host.Value | CopiedBit);

    /// <summary>This entry, reading as zeros and keeping its host cluster. For normal entries.</summary>
    public L2Entry WithZeroFlag() => new(Raw | ZeroBit);

    /// <summary>This entry as one that shares its host cluster.</summary>
    public L2Entry WithoutCopied() => new(Raw & ~CopiedBit);

    /// <summary>An entry read earlier by <see cref="Parse"/> and kept in a cached table.</summary>
    internal static L2Entry FromCached(ulong raw) => new(raw);

    internal static L2Entry Invalid => new(InvalidBit);

    /// <summary>Reads an entry as it stands in the file. What is impossible becomes <see cref="L2EntryKind.Invalid"/>.</summary>
    public static L2Entry Parse(ulong raw, ClusterGeometry geometry)
    {
        if ((raw & CompressedBit) != 0)
        {
            // COPIED is never set on a compressed entry; where it is, it means nothing.
            raw &= ~CopiedBit;
            return CompressedDescriptor.TryParse(raw, geometry, out _) ? new(raw) : Invalid;
        }
        var impossible = (raw & ReservedMask) != 0
            || !geometry.IsClusterAligned(raw & OffsetMask)
            || ((raw & ZeroBit) != 0 && !geometry.HasZeroFlag);
        return impossible ? Invalid : new(raw);
    }
}
