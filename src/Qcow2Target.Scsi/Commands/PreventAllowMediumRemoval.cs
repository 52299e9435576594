namespace Qcow2Target.Scsi.Commands;

/// <summary>PREVENT ALLOW MEDIUM REMOVAL (SBC-3 5.5 by way of SPC-4): nothing to prevent, the medium is fixed.</summary>
internal static class PreventAllowMediumRemoval
{
    private const byte Prevent = 0x03;

    public static CommandPlan Begin(in CommandContext context) =>
        (context.Cdb[4] & Prevent) != 0 && context.Unit.IsReservedByAnother(context.Nexus)
            ? context.Complete(ScsiOutcome.ReservationConflict)   // allowing removal never conflicts, so the table lets both in
            : context.Good();
}
