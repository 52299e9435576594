using Qcow2Target.Scsi.Operations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>
/// FORMAT UNIT (SBC-3 5.4), with and without a parameter list: every block holds the initialization pattern afterwards; where that is zeros,
/// as by default, it holds no space. Block length and capacity are what they are: MODE SELECT takes no others.
/// </summary>
internal static class FormatUnit
{
    private const byte ProtectionInformation = 0xC0;
    private const int ProtectionInformationBit = 7;
    private const byte LongList = 0x20;
    private const byte FormatData = 0x10;
    private const byte DefectListFormat = 0x07;
    private const int DefectListFormatBit = 2;
    private const byte ShortBlockFormat = 0x00;
    private const byte LongBlockFormat = 0x03;
    private const byte FastFormat = 0x03;
    private const int FastFormatBit = 1;

    public static CommandPlan Begin(in CommandContext context)
    {
        byte flags = context.Cdb[1];
        if ((flags & ProtectionInformation) != 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(1, ProtectionInformationBit));
        bool hasList = (flags & FormatData) != 0;   // without one LONGLIST, CMPLST and DEFECT LIST FORMAT are not looked at
        if (hasList && (flags & DefectListFormat) is not (ShortBlockFormat or LongBlockFormat))
            return context.Refuse(SenseData.InvalidFieldInCdb(1, DefectListFormatBit));
        if ((context.Cdb[4] & FastFormat) != 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(4, FastFormatBit));
        if (context.MediumRefusal(MediumUse.Write) is { } sense)
            return context.Refuse(sense);

        LogicalUnit unit = context.Unit;
        if (!hasList)
        {
            return CommandPlan.Execute(unit, (_, cancellationToken) =>
                WholeMedium.RunAsync(unit, new FormatOperation(unit.Device.Shape, pattern: null), StatusTime.AtTheEnd, cancellationToken));
        }

        // The CDB does not tell how long the list is: it is what the initiator sends, as far as it can mean anything.
        FormatHeader form = (flags & LongList) != 0 ? FormatHeader.Long : FormatHeader.Short;
        long length = Math.Min(context.ExpectedDataOut, FormatParameters.MaxBytes(form, context.Shape.BlockBytes));
        if (length == 0)
            return context.Refuse(SenseData.ParameterListLengthError);
        return CommandPlan.Parameters(unit, length, (list, cancellationToken) =>
        {
            BlockDeviceShape shape = unit.Device.Shape;
            return FormatParameters.Parse(list.Span, form, shape.BlockBytes, out FormatParameters parameters) is { } refusal
                ? new(unit.Check(refusal))
                : WholeMedium.RunAsync(unit, new FormatOperation(shape, parameters.Pattern), parameters.Status, cancellationToken);
        });
    }
}
