using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>
/// START STOP UNIT (SBC-3 5.21): stopping flushes, and the unit stays ready, for it has no motor. A removable medium can be ejected and
/// loaded while no nexus prevents it.
/// </summary>
internal static class StartStopUnit
{
    private const byte PowerCondition = 0xF0;
    private const byte NoFlush = 0x04;
    private const byte LoadEject = 0x02;
    private const int LoadEjectBit = 1;
    private const byte Start = 0x01;

    /// <summary>Whether a CDB starts the unit and does nothing else.</summary>
    public static bool Starts(ReadOnlySpan<byte> cdb) => (cdb[4] & (PowerCondition | LoadEject | Start)) == Start;

    public static CommandPlan Begin(in CommandContext context)
    {
        byte flags = context.Cdb[4];
        LogicalUnit unit = context.Unit;
        if ((flags & PowerCondition) != 0)
            return context.Good();   // a power condition hides the other bits, and we have only one
        if ((flags & LoadEject) != 0 && unit.Tray is null)
            return context.Refuse(SenseData.InvalidFieldInCdb(4, LoadEjectBit));
        if ((flags & LoadEject) != 0 && unit.Tray!.IsPreventedBy(context.Nexus))
            return context.Refuse(SenseData.MediumRemovalPrevented);

        bool flushes = (flags & (Start | NoFlush)) == 0 && unit.Tray is not { IsEmpty: true };
        if ((flags & LoadEject) == 0)
            return flushes ? CommandPlan.Execute(unit, (_, _) => unit.FlushAsync()) : context.Good();

        ItlNexus nexus = context.Nexus;
        return CommandPlan.Execute(unit, async (_, cancellationToken) =>
        {
            await WaitUntilAllowedAsync(unit.Tray!, cancellationToken).ConfigureAwait(false);
            if (unit.Tray!.IsPrevented)
                return unit.Check(SenseData.MediumRemovalPrevented);
            if ((flags & Start) == 0)
                return await EjectAsync(unit, flushes).ConfigureAwait(false);
            unit.Load(nexus);
            return ScsiOutcome.Good;
        });
    }

    /// <summary>Another nexus may prevent removal whose connection was cut just now: an initiator that comes back at once is quicker than its end.</summary>
    private static async ValueTask WaitUntilAllowedAsync(Tray tray, CancellationToken cancellationToken)
    {
        try
        {
            await tray.Allowed.WaitAsync(ScsiLimits.RemovalPatience, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // it prevents it still, and that is the answer
        }
    }

    private static async ValueTask<ScsiOutcome> EjectAsync(LogicalUnit unit, bool flushes)
    {
        ScsiOutcome outcome = flushes ? await unit.FlushAsync().ConfigureAwait(false) : ScsiOutcome.Good;
        return outcome.Status != ScsiStatus.Good ? outcome
            : unit.Tray!.TryEject() ? ScsiOutcome.Good
            : unit.Check(SenseData.MediumRemovalPrevented);
    }
}
