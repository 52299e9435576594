using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>FORMAT UNIT (SBC-3 5.4) without a parameter list: every block reads as zeros afterwards and holds no space.</summary>
internal static class FormatUnit
{
    private const byte ProtectionInformation = 0xC0;
    private const int ProtectionInformationBit = 7;
    private const byte FormatData = 0x10;
    private const int FormatDataBit = 4;
    private const byte FastFormat = 0x03;
    private const int FastFormatBit = 1;

    public static CommandPlan Begin(in CommandContext context)
    {
        byte flags = context.Cdb[1];
        if ((flags & ProtectionInformation) != 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(1, ProtectionInformationBit));
        if ((flags & FormatData) != 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(1, FormatDataBit));
        if ((context.Cdb[4] & FastFormat) != 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(4, FastFormatBit));
        if (context.MediumRefusal(MediumUse.Write) is { } sense)
            return context.Refuse(sense);

        LogicalUnit unit = context.Unit;
        return CommandPlan.Execute(unit, (_, cancellationToken) =>
            WholeMedium.RunAsync(unit, UnitOperationKind.Format, FailureExit.Allowed, passes: 1, WholeMedium.EraseAsync, cancellationToken));
    }
}
