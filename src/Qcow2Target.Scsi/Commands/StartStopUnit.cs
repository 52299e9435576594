using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>START STOP UNIT (SBC-3 5.21): stopping flushes, and the unit stays ready, for it has no motor. The medium cannot be ejected.</summary>
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
        if ((flags & PowerCondition) != 0)
            return context.Good();   // a power condition hides the other bits, and we have only one
        if ((flags & LoadEject) != 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(4, LoadEjectBit));
        if ((flags & (Start | NoFlush)) != 0)
            return context.Good();

        LogicalUnit unit = context.Unit;
        return CommandPlan.Execute(unit, (_, _) => unit.FlushAsync());
    }
}
