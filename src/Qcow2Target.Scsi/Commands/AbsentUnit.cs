using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>Commands to a LUN that no disk has: all get 5/25/00, which Linux and ESXi take for "the disk was removed".</summary>
internal static class AbsentUnit
{
    public static CommandPlan Begin(ulong lunField, ReadOnlySpan<byte> cdb, ItNexus nexus, LunMap map) =>
        CommandPlan.Complete(null, ScsiOutcome.Check(SenseData.UnitNotSupported, SenseFormat.Fixed));
}
