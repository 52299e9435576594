namespace Qcow2Target.Qcow2.Format;

/// <summary>An entry of the refcount table: where a refcount block lies; 0 means that all its counts are 0.</summary>
public readonly record struct RefcountTableEntry
{
    private const ulong OffsetMask = 0xffff_ffff_ffff_fe00;

    private RefcountTableEntry(ulong raw) => Raw = raw;

    public ulong Raw { get; }

    public bool HasBlock => Raw != 0;

    public HostOffset Block => new((long)Raw);

    public static RefcountTableEntry At(HostOffset block) => new((ulong)block.Value);

    /// <summary>Reads an entry. False: reserved bits are set, the offset is not aligned to a cluster, or it is 2^56 or more.</summary>
    public static bool TryParse(ulong raw, ClusterGeometry geometry, out RefcountTableEntry entry)
    {
        entry = new RefcountTableEntry(raw);
        return (raw & ~OffsetMask) == 0 && geometry.IsClusterAligned(raw) && raw >> 56 == 0;
    }
}
