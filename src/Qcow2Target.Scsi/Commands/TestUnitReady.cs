namespace Qcow2Target.Scsi.Commands;

/// <summary>TEST UNIT READY (SPC-4 6.47).</summary>
internal static class TestUnitReady
{
    /// <summary>
    /// While the unit is becoming ready the answer waits a while: an initiator that is told "not ready" at its first login gives up
    /// (libiscsi, QEMU), one that waits does not notice.
    /// </summary>
    public static CommandPlan Begin(in CommandContext context)
    {
        LogicalUnit unit = context.Unit;
        return unit.Availability == UnitAvailability.BecomingReady
            ? CommandPlan.Execute(unit, (_, cancellationToken) => WaitAsync(unit, cancellationToken))
            : context.Complete(Answer(unit));
    }

    private static async ValueTask<ScsiOutcome> WaitAsync(LogicalUnit unit, CancellationToken cancellationToken)
    {
        await unit.WaitUntilSettledAsync(cancellationToken).ConfigureAwait(false);
        return Answer(unit);
    }

    private static ScsiOutcome Answer(LogicalUnit unit) =>
        unit.NotReady is { } sense ? unit.Check(sense) : ScsiOutcome.Good;
}
