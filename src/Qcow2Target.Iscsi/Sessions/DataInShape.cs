namespace Qcow2Target.Iscsi.Sessions;

/// <summary>How a read transfer is cut into Data-In PDUs: no longer than the initiator takes, none across the end of a burst.</summary>
internal sealed class DataInShape
{
    private const int BlockMask = 511;

    private readonly int _maxSegmentBytes;
    private readonly int _burstBytes;

    public DataInShape(int peerMaxRecvDataSegmentLength, int maxBurstLength)
    {
        // Both are at least 512. Whole blocks: what is not the last segment must be a multiple of 4, and disks like multiples of 512.
        _maxSegmentBytes = Math.Min(peerMaxRecvDataSegmentLength & ~BlockMask, IscsiLimits.MaxPieceBytes);
        _burstBytes = maxBurstLength & ~BlockMask;
    }

    /// <summary>Bytes of the segment at <paramref name="position"/> of a transfer that ends at <paramref name="end"/>.</summary>
    public int SegmentBytes(long position, long end)
        => (int)Math.Min(Math.Min(end - position, _maxSegmentBytes), _burstBytes - (position % _burstBytes));

    /// <summary>True where a sequence ends there: F is set at least every MaxBurstLength bytes.</summary>
    public bool EndsBurst(long position) => position % _burstBytes == 0;
}
