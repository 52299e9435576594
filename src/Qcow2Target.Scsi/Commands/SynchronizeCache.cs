using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Commands;

/// <summary>SYNCHRONIZE CACHE (10) and (16) (SBC-3 5.22, 5.23): whatever the range, everything becomes durable.</summary>
internal static class SynchronizeCache
{
    private const byte Immediate = 0x02;

    public static CommandPlan Begin(in CommandContext context)
    {
        BlockCdb cdb = BlockCdb.Parse(context.Cdb);
        if (context.MediumRefusal(MediumUse.Read, cdb.Range) is { } sense)
            return context.Refuse(sense);

        LogicalUnit unit = context.Unit;
        bool immediate = (cdb.Flags & Immediate) != 0;
        return CommandPlan.Execute(unit, (_, cancellationToken) => immediate ? Start(unit) : FlushAsync(unit, cancellationToken));
    }

    // A flush changes nothing that a later write could lose: who aborts the command, or goes away, need not wait for it, and neither need anybody's writes.
    private static ValueTask<ScsiOutcome> FlushAsync(LogicalUnit unit, CancellationToken cancellationToken)
    {
        ValueTask<ScsiOutcome> flush = unit.FlushAsync();
        return flush.IsCompleted ? flush : new(flush.AsTask().WaitAsync(cancellationToken));
    }

    // IMMED: the status says only that the flush began. A failure is no loss: the device reports a failed sync to the next flush too.
    private static ValueTask<ScsiOutcome> Start(LogicalUnit unit)
    {
        _ = unit.FlushAsync().AsTask();
        return new(ScsiOutcome.Good);
    }
}
