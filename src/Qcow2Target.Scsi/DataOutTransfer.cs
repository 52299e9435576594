namespace Qcow2Target.Scsi;

/// <summary>What becomes of data-out that is taken piece by piece. Stateless: one instance serves every command.</summary>
internal abstract class DataOutTransfer
{
    /// <summary>Takes a piece at once; <paramref name="offset"/> is its place on the disk, in bytes.</summary>
    public abstract bool TryWrite(LogicalUnit unit, long offset, ReadOnlySpan<byte> source);

    /// <summary>Takes a piece; its place on the disk is <paramref name="start"/> + <paramref name="position"/>.</summary>
    public abstract ValueTask<ScsiOutcome> WriteAsync(LogicalUnit unit, long start, long position, ReadOnlyMemory<byte> source, CancellationToken giveUp);

    /// <summary>Does what is due after the last piece of <paramref name="length"/> bytes in all.</summary>
    public abstract ValueTask<ScsiOutcome> FinishAsync(LogicalUnit unit, long start, long length);
}
