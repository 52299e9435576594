using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>The checks that stand before every command's own, in the order that initiators can observe.</summary>
internal static class CommandDispatch
{
    private const byte Naca = 0x04;
    private const int NacaBit = 2;

    public static CommandPlan Begin(in CommandContext context)
    {
        ReadOnlySpan<byte> cdb = context.Cdb;
        CommandDescriptor? command = CommandTable.Find(cdb, out SenseData? unknown);

        if (command is not { Attention: AttentionRule.Left } && context.Nexus.Attentions.TryTake(out UnitAttention attention))
            return context.Refuse(SenseData.Attention(attention));
        if (command is not { Reservation: ReservationRule.Allowed } && context.Unit.IsReservedByAnother(context.Nexus))
            return context.Complete(ScsiOutcome.ReservationConflict);
        if (command is null)
            return context.Refuse(unknown!.Value);
        if (cdb.Length < command.CdbLength)
            return context.Refuse(SenseData.InvalidOpcode);

        int control = command.CdbLength - 1;
        return (cdb[control] & Naca) != 0
            ? context.Refuse(SenseData.InvalidFieldInCdb(control, NacaBit))
            : command.Handler(context);
    }
}
