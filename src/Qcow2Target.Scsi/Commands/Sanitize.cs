using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Operations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>
/// SANITIZE (SBC-3 5.19): OVERWRITE writes every block, BLOCK ERASE gives all space back, EXIT FAILURE MODE ends the failure of one that was
/// started with AUSE. CRYPTOGRAPHIC ERASE is not offered: there is no key to throw away.
/// </summary>
internal static class Sanitize
{
    private const byte Immediate = 0x80;
    private const int ReservedBit = 6;
    private const byte AllowUnrestrictedExit = 0x20;
    private const int ServiceActionBit = 4;
    private const int FirstReservedByte = 2;
    private const int LastReservedByte = 6;
    private const int LengthField = 7;

    public static CommandPlan BeginBlockErase(in CommandContext context)
    {
        if ((Refusal(context) ?? LengthRefusal(context)) is { } sense)
            return context.Refuse(sense);
        LogicalUnit unit = context.Unit;
        var record = new SanitizeRecord(ExitOf(context.Cdb[1]), default);
        StatusTime status = StatusTimeOf(context.Cdb[1]);
        return CommandPlan.Execute(unit, (_, cancellationToken) =>
            WholeMedium.RunAsync(unit, new SanitizeOperation(unit.Device.Shape, record, pattern: null, unit.SanitizeKeeper), status, cancellationToken));
    }

    public static CommandPlan BeginOverwrite(in CommandContext context)
    {
        if (Refusal(context) is { } sense)
            return context.Refuse(sense);
        int length = context.Cdb.U16(LengthField);
        if (length <= SanitizePattern.HeaderBytes || length > SanitizePattern.HeaderBytes + context.Shape.BlockBytes)
            return context.Refuse(SenseData.InvalidFieldInCdb(LengthField));

        LogicalUnit unit = context.Unit;
        FailureExit exit = ExitOf(context.Cdb[1]);
        StatusTime status = StatusTimeOf(context.Cdb[1]);
        return CommandPlan.Parameters(unit, length, (list, cancellationToken) =>
        {
            if (list.Length < length)
                return new(unit.Check(SenseData.ParameterListLengthError));
            if (SanitizePattern.Parse(list.Span, unit.Device.Shape.BlockBytes, out SanitizePattern? pattern) is { } sense)
                return new(unit.Check(sense));
            // The list is the transport's buffer: what is kept is a copy.
            var operation = new SanitizeOperation(unit.Device.Shape, new SanitizeRecord(exit, list.ToArray()), pattern, unit.SanitizeKeeper);
            return WholeMedium.RunAsync(unit, operation, status, cancellationToken);
        });
    }

    public static CommandPlan BeginExitFailureMode(in CommandContext context)
    {
        if ((Refusal(context) ?? LengthRefusal(context)) is { } sense)
            return context.Refuse(sense);
        if (context.Unit.Medium.Operation is not { } operation)
            return context.Good();
        if (operation.Exit != FailureExit.Allowed)
            return context.Refuse(SenseData.InvalidFieldInCdb(1, ServiceActionBit));

        LogicalUnit unit = context.Unit;
        return CommandPlan.Execute(unit, (_, cancellationToken) =>
            WholeMedium.RunAsync(unit, new FailureExitOperation(unit.SanitizeKeeper), StatusTime.AtTheEnd, cancellationToken));
    }

    private static StatusTime StatusTimeOf(byte flags) => (flags & Immediate) != 0 ? StatusTime.AtTheBeginning : StatusTime.AtTheEnd;

    private static FailureExit ExitOf(byte flags) => (flags & AllowUnrestrictedExit) != 0 ? FailureExit.Allowed : FailureExit.OnlyBySanitizing;

    private static SenseData? Refusal(in CommandContext context)
    {
        if ((context.Cdb[1] & (1 << ReservedBit)) != 0)
            return SenseData.InvalidFieldInCdb(1, ReservedBit);
        int used = context.Cdb[FirstReservedByte..(LastReservedByte + 1)].IndexOfAnyExcept((byte)0);
        return used >= 0 ? SenseData.InvalidFieldInCdb(FirstReservedByte + used) : context.MediumRefusal(MediumUse.Write);
    }

    private static SenseData? LengthRefusal(in CommandContext context) =>
        context.Cdb.U16(LengthField) != 0 ? SenseData.InvalidFieldInCdb(LengthField) : null;
}
