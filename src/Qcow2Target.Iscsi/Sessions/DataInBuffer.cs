using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Framing;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// Where a slow read puts its bytes: the data segments of Data-In PDUs that are laid out already, with room for their headers between. Belongs to the
/// executor from <see cref="ICommandExecutor.StartRead"/> until <see cref="ScsiTask.ReadDone"/> or <see cref="ScsiTask.ReadFailed"/>.
/// </summary>
public sealed class DataInBuffer
{
    private (int Offset, int Length)[] _segments = new (int, int)[1];

    internal DataInBuffer()
    {
    }

    /// <summary>Bytes from the start of the transfer.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes of all segments together.</summary>
    public int Length { get; private set; }

    public int SegmentCount { get; private set; }

    /// <summary>Null while it is with nobody.</summary>
    internal PooledBuffer? Buffer { get; set; }

    /// <summary>Bytes of all PDUs together.</summary>
    internal int PduBytes { get; private set; }

    /// <summary>The segments follow each other in the transfer; each but the last is a multiple of 512 bytes.</summary>
    public Memory<byte> Segment(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)SegmentCount, nameof(index));
        return Buffer!.Array.AsMemory(_segments[index].Offset, _segments[index].Length);
    }

    /// <summary>Lays out the PDUs for the next bytes of a transfer, as many as a piece takes.</summary>
    internal void Lay(long position, long end, DataInShape shape, DigestUse digests)
    {
        Position = position;
        Length = (int)Math.Min(end - position, IscsiLimits.MaxPieceBytes);
        SegmentCount = PduBytes = 0;
        for (var laid = 0; laid < Length;)
        {
            var bytes = shape.SegmentBytes(position + laid, position + Length);
            if (SegmentCount == _segments.Length) Array.Resize(ref _segments, SegmentCount * 4);
            _segments[SegmentCount++] = (PduBytes + digests.DataOffset, bytes);
            PduBytes += digests.PduBytes(bytes);
            laid += bytes;
        }
    }
}
