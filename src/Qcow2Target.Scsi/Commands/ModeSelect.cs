using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Pages.Mode;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>MODE SELECT (6) and (10) (SPC-4 6.11, 6.12): all pages of the list or none, for all nexuses, until the next reset.</summary>
internal static class ModeSelect
{
    private const byte PageFormat = 0x10;
    private const int PageFormatBit = 4;
    private const byte SavePages = 0x01;

    public static CommandPlan Begin6(in CommandContext context) => Begin(context, ModeHeader.Short, context.Cdb[4]);

    public static CommandPlan Begin10(in CommandContext context) => Begin(context, ModeHeader.Long, context.Cdb.U16(7));

    private static CommandPlan Begin(in CommandContext context, ModeHeader form, int listLength)
    {
        byte flags = context.Cdb[1];
        if ((flags & PageFormat) == 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(1, PageFormatBit));
        if ((flags & SavePages) != 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(1, 0));
        if (listLength == 0)
            return context.Good();
        if (listLength < ModeParameterHeader.Bytes(form))
            return context.Refuse(SenseData.ParameterListLengthError);

        LogicalUnit unit = context.Unit;
        ItlNexus nexus = context.Nexus;
        return CommandPlan.Parameters(unit, listLength, (list, _) =>
            list.Length < listLength
                ? new(unit.Check(SenseData.ParameterListLengthError))
                : ExecuteAsync(unit, nexus, form, list.Span));
    }

    private static ValueTask<ScsiOutcome> ExecuteAsync(LogicalUnit unit, ItlNexus nexus, ModeHeader form, ReadOnlySpan<byte> list)
    {
        ModeParameters before, after;
        do
        {
            before = unit.Modes;
            if (ModeParameterList.Parse(list, form, unit.Device.Shape, before, out after) is { } sense)
                return new(unit.Check(sense));
        }
        while (!unit.TryChange(before, after, nexus));   // another one changed them meanwhile, perhaps in other pages: judge by what it left

        // A disk without a write cache promises durability for what was written before, too; one that is protected has written what it cached
        // (SPC-4 7.5.8, SWP).
        bool flushes = (before.WriteCache && !after.WriteCache) || (!before.SoftwareWriteProtect && after.SoftwareWriteProtect);
        return flushes ? unit.FlushAsync() : new(ScsiOutcome.Good);
    }
}
