namespace Qcow2Target.Testing;

/// <summary>One entry of a <see cref="RecordingBlockFile"/>'s log.</summary>
/// <param name="Operation">Write, Punch or Sync; a sync stands where it ended.</param>
/// <param name="Offset">Bytes; 0 for a sync.</param>
/// <param name="Length">Bytes; 0 for a sync.</param>
/// <param name="Content">What was written; empty for others.</param>
public sealed record RecordedOperation(BlockOperation Operation, long Offset, long Length, ReadOnlyMemory<byte> Content)
{
    /// <summary>The log's index of the sync that made it durable; none yet, or of unknown fate since a sync failed: <see cref="int.MaxValue"/>.</summary>
    public int DurableAt { get; internal set; } = int.MaxValue;

    public override string ToString() => Operation == BlockOperation.Sync ? "Sync" : $"{Operation} {Length} at {Offset:x}";
}
