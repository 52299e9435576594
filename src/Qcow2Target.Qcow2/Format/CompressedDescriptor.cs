namespace Qcow2Target.Qcow2.Format;

/// <summary>
/// Where the stream of a compressed cluster lies. With x = 70 − cluster bits: bits 0..x−1 are a byte offset, bits x..61 the number of
/// additional 512-byte sectors that the stream may reach into.
/// </summary>
/// <param name="Host">First byte of the stream: any byte, not aligned.</param>
/// <param name="AvailableBytes">Bytes that may be read from there: at most two clusters, the stream is shorter.</param>
public readonly record struct CompressedDescriptor(HostOffset Host, int AvailableBytes)
{
    private const ulong CompressedBit = 1UL << 62;

    /// <summary>Reads the descriptor of a compressed L2 entry. False: its offset is 0 or 2^56 or more.</summary>
    public static bool TryParse(ulong raw, ClusterGeometry geometry, out CompressedDescriptor descriptor)
    {
        var offsetBits = 70 - geometry.ClusterBits;
        var offset = raw & ((1UL << offsetBits) - 1) & (CompressedBit - 1);
        var sectors = (int)((raw & (CompressedBit - 1)) >> offsetBits) + 1;
        var available = (sectors * ClusterGeometry.SectorBytes) - (int)(offset & (ClusterGeometry.SectorBytes - 1));
        descriptor = new CompressedDescriptor(new HostOffset((long)offset), available);
        return offset != 0 && offset >> 56 == 0;
    }

    /// <summary>The first and last host cluster that the stream's sectors touch: each carries one count for it.</summary>
    public (long First, long Last) HostClusters(ClusterGeometry geometry)
    {
        var firstSector = Host.Value & ~(ClusterGeometry.SectorBytes - 1L);
        return (firstSector >> geometry.ClusterBits, (Host.Value + AvailableBytes - 1) >> geometry.ClusterBits);
    }
}
