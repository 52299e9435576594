namespace Qcow2Target.Scsi.Copying;

/// <summary>How far an EXTENDED COPY has come, for RECEIVE COPY RESULTS.</summary>
internal sealed class CopyStatus
{
    private int _segments;
    private long _bytes;
    private volatile CopyState _state = CopyState.InProgress;

    public CopyState State => _state;

    /// <summary>Segments that are done.</summary>
    public int Segments => Volatile.Read(ref _segments);

    public long Bytes => Interlocked.Read(ref _bytes);

    public void Advance(long bytes) => Interlocked.Add(ref _bytes, bytes);

    public void SegmentDone() => Interlocked.Increment(ref _segments);

    public void End(ScsiStatus status) => _state = status == ScsiStatus.Good ? CopyState.Completed : CopyState.Failed;
}

/// <summary>COPY MANAGER STATUS (SPC-4 table 167).</summary>
internal enum CopyState : byte
{
    InProgress = 0,
    Completed = 1,
    Failed = 2,
}
