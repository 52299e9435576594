using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

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
        ItlNexus nexus = context.Nexus;
        bool immediate = (cdb.Flags & Immediate) != 0;
        return CommandPlan.Execute(unit, (_, cancellationToken) => immediate ? Start(unit) : FlushAsync(unit, nexus, cancellationToken));
    }

    // A flush changes nothing that a later write could lose: who aborts the command, or goes away, need not wait for it, and neither need anybody's writes.
    private static async ValueTask<ScsiOutcome> FlushAsync(LogicalUnit unit, ItlNexus nexus, CancellationToken cancellationToken)
    {
        ValueTask<ScsiOutcome> flush = unit.FlushAsync();
        ScsiOutcome outcome = flush.IsCompleted
            ? await flush.ConfigureAwait(false)
            : await flush.AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        // What was written before a sync that failed is not brought back by one that succeeds, after the disk's recovery.
        return outcome.Status == ScsiStatus.Good && nexus.TakeFailedSync() ? unit.Check(SenseData.WriteError) : outcome;
    }

    // IMMED: the status says only that the flush began. A failure is told to the next flush of every nexus.
    private static ValueTask<ScsiOutcome> Start(LogicalUnit unit)
    {
        _ = unit.FlushAsync().AsTask();
        return new(ScsiOutcome.Good);
    }
}
