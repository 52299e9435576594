namespace Qcow2Target.Qcow2.Format;

/// <summary>
/// An entry of the L1 table: where an L2 table lies and whether this image alone owns it.
/// <code>63 COPIED | 62..56 reserved | 55..9 offset | 8..0 reserved</code>
/// </summary>
public readonly record struct L1Entry
{
    private const ulong CopiedBit = 1UL << 63;
    private const ulong OffsetMask = 0x00ff_ffff_ffff_fe00;

    private L1Entry(ulong raw) => Raw = raw;

    public ulong Raw { get; }

    /// <summary>There is an L2 table. An offset of 0 is none, whatever COPIED says.</summary>
    public bool HasTable => (Raw & OffsetMask) != 0;

    /// <summary>The refcount of the table is exactly 1: it may be written in place.</summary>
    public bool IsCopied => (Raw & CopiedBit) != 0;

    public HostOffset TableOffset => new((long)(Raw & OffsetMask));

    /// <summary>The entry for a table that this image alone owns.</summary>
    public static L1Entry Owned(HostOffset table) => new((ulong)table.Value | CopiedBit);

    /// <summary>Reads an entry. False: reserved bits are set or the offset is not aligned to a cluster.</summary>
    public static bool TryParse(ulong raw, ClusterGeometry geometry, out L1Entry entry)
    {
        entry = new L1Entry(raw);
        return (raw & ~(OffsetMask | CopiedBit)) == 0 && geometry.IsClusterAligned(raw & OffsetMask);
    }
}
