using Qcow2Target.Scsi.Operations;
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
        if (Conflicts(context, command))
            return context.Complete(ScsiOutcome.ReservationConflict);
        if (command is null)
            return context.Refuse(unknown!.Value);
        if (cdb.Length < command.CdbLength)
            return context.Refuse(SenseData.InvalidOpcode);

        int control = command.CdbLength - 1;
        if ((cdb[control] & Naca) != 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(control, NacaBit));
        if (context.Unit.Medium.Operation is { } operation && !MayRunBeside(operation, command.Operation))
            return context.Refuse(operation.Sense);
        return command.Handler(context);
    }

    private static bool MayRunBeside(UnitOperation operation, OperationRule rule) =>
        rule == OperationRule.Allowed || (rule == OperationRule.AllowedAfterFailure && operation.HasFailed);

    private static bool Conflicts(in CommandContext context, CommandDescriptor? command)
    {
        LogicalUnit unit = context.Unit;
        if (command is null)
            return unit.IsReservedByAnother(context.Nexus);
        if (command.NeverConflicts is { } harmless && context.Cdb.Length >= command.CdbLength && harmless(context.Cdb))
            return false;
        bool reserved = command.Reservation switch
        {
            ReservationRule.Allowed => false,
            ReservationRule.ConflictsWithAny => unit.IsReserved,
            _ => unit.IsReservedByAnother(context.Nexus),
        };
        return reserved || context.Nexus.IsKeptFrom(command.Access);
    }
}
