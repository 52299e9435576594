namespace Qcow2Target.Scsi.Commands;

/// <summary>Data-out that is written and then read again from the disk.</summary>
internal sealed class VerifiedWrite : DataOutTransfer
{
    private readonly bool _compares;

    private VerifiedWrite(bool compares) => _compares = compares;

    /// <summary>The blocks must be readable afterwards (BYTCHK 0).</summary>
    public static VerifiedWrite Readable { get; } = new(compares: false);

    /// <summary>The blocks must read as what was sent (BYTCHK 1 and 3).</summary>
    public static VerifiedWrite Compared { get; } = new(compares: true);

    /// <summary>Never at once: a verification is not what a batch should wait for.</summary>
    public override bool TryWrite(LogicalUnit unit, long offset, ReadOnlySpan<byte> source) => false;

    public override async ValueTask<ScsiOutcome> WriteAsync(LogicalUnit unit, long start, long position, ReadOnlyMemory<byte> source, CancellationToken giveUp)
    {
        try
        {
            long offset = start + position;
            if (!_compares)
            {
                await unit.Medium.WriteAsync(offset, source, giveUp).ConfigureAwait(false);
                return ScsiOutcome.Good;
            }

            // A write of somebody else in between would look like a disk that stores something else.
            using RangeHold hold = await unit.Medium.HoldAsync(offset, source.Length, CancellationToken.None).ConfigureAwait(false);
            await unit.Device.WriteAsync(offset, source, giveUp).ConfigureAwait(false);
            return await MediumScan.CompareAsync(unit, offset, source.Length, source, position, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BlockDeviceException fault)
        {
            return unit.OutcomeOf(fault);
        }
    }

    public override async ValueTask<ScsiOutcome> FinishAsync(LogicalUnit unit, long start, long length)
    {
        try
        {
            await unit.Device.FlushAsync().ConfigureAwait(false);
            if (!_compares)
                await MediumScan.ReadAsync(unit, start, RoundUp(length, unit.Device.Shape.BlockBytes), CancellationToken.None).ConfigureAwait(false);
            return ScsiOutcome.Good;
        }
        catch (BlockDeviceException fault)
        {
            return unit.OutcomeOf(fault);
        }
    }

    // A transfer that the initiator cut short may end within a block.
    private static long RoundUp(long length, int unit) => (length + unit - 1) / unit * unit;
}
