namespace Qcow2Target.Scsi.Commands;

/// <summary>Data-out that is compared with the disk as it comes and written nowhere (VERIFY with BYTCHK 1).</summary>
internal sealed class Comparison : DataOutTransfer
{
    private Comparison()
    {
    }

    public static Comparison Instance { get; } = new();

    public override bool TryWrite(LogicalUnit unit, long offset, ReadOnlySpan<byte> source) => false;

    public override async ValueTask<ScsiOutcome> WriteAsync(LogicalUnit unit, long start, long position, ReadOnlyMemory<byte> source, CancellationToken giveUp)
    {
        try
        {
            return await MediumScan.CompareAsync(unit, start + position, source.Length, source, position, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BlockDeviceException fault)
        {
            return unit.OutcomeOf(fault);
        }
    }

    public override ValueTask<ScsiOutcome> FinishAsync(LogicalUnit unit, long start, long length) => new(ScsiOutcome.Good);
}
