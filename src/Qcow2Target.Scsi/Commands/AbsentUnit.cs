using Qcow2Target.Scsi.Pages;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>
/// Commands to a LUN that has no disk, and to the REPORT LUNS well known logical unit (SPC-4 5.5, 8.2): the inventory of the target can
/// always be asked. All else gets 5/25/00, which Linux and ESXi take for "the disk was removed".
/// </summary>
internal static class AbsentUnit
{
    private const byte TestUnitReadyOpcode = 0x00;
    private const byte RequestSenseOpcode = 0x03;
    private const byte InquiryOpcode = 0x12;
    private const byte ReportLunsOpcode = 0xA0;

    public static CommandPlan Begin(ulong lunField, ReadOnlySpan<byte> cdb, ItNexus nexus, LunMap map)
    {
        bool isWellKnown = lunField == LunField.ReportLunsWellKnown;
        ScsiOutcome outcome = (cdb.IsEmpty ? (byte?)null : cdb[0]) switch
        {
            InquiryOpcode when cdb.Length >= 6 => Inquiry.Answer(cdb, isWellKnown ? StandardInquiryData.WellKnownUnit : StandardInquiryData.Absent),
            ReportLunsOpcode when cdb.Length >= 12 => ReportLuns.Refusal(cdb) is { } sense ? Check(sense) : ReportLuns.Answer(cdb, nexus, map),
            RequestSenseOpcode when cdb.Length >= 6 => RequestSense.Answer(cdb, isWellKnown ? SenseData.NoSense : SenseData.UnitNotSupported),
            TestUnitReadyOpcode when isWellKnown => ScsiOutcome.Good,
            _ => Check(isWellKnown ? SenseData.InvalidOpcode : SenseData.UnitNotSupported),
        };
        return CommandPlan.Complete(null, outcome);
    }

    private static ScsiOutcome Check(SenseData sense) => ScsiOutcome.Check(sense, SenseFormat.Fixed);
}
