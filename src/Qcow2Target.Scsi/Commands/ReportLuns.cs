using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>REPORT LUNS (SPC-4 6.33). Any LUN of the target answers it, also one without a disk.</summary>
internal static class ReportLuns
{
    private const int SelectField = 2;
    private const int AllocationField = 6;
    private const uint MinAllocation = 16;
    private const int HeaderBytes = 8;
    private const int EntryBytes = 8;

    public static CommandPlan Begin(in CommandContext context) =>
        Refusal(context.Cdb) is { } sense
            ? context.Refuse(sense)
            : context.Complete(Answer(context.Cdb, context.Nexus.Nexus, context.Map));

    public static SenseData? Refusal(ReadOnlySpan<byte> cdb) =>
        cdb[SelectField] > (byte)Select.All ? SenseData.InvalidFieldInCdb(SelectField)
        : cdb.U32(AllocationField) < MinAllocation ? SenseData.InvalidFieldInCdb(AllocationField)
        : null;

    /// <summary>The list, for a CDB that was not refused. The nexus knows the inventory from now on (SAM-5 5.14.4).</summary>
    public static ScsiOutcome Answer(ReadOnlySpan<byte> cdb, ItNexus nexus, LunMap map)
    {
        nexus.Clear(UnitAttention.ReportedLunsChanged);

        var select = (Select)cdb[SelectField];
        List<ulong> luns = select == Select.WellKnown ? [] : [.. map.Luns.Select(LunField.Encode)];
        if (select != Select.Addressable)
            luns.Add(LunField.ReportLunsWellKnown);

        byte[] data = new byte[HeaderBytes + (luns.Count * EntryBytes)];
        data.PutU32(0, (uint)(luns.Count * EntryBytes));
        for (int i = 0; i < luns.Count; i++)
            data.PutU64(HeaderBytes + (i * EntryBytes), luns[i]);
        return ScsiOutcome.GoodWith(data.AsMemory(0, (int)Math.Min((uint)data.Length, cdb.U32(AllocationField))));
    }

    private enum Select : byte
    {
        Addressable = 0,
        WellKnown = 1,
        All = 2,
    }
}
