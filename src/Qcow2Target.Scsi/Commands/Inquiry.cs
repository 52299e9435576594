using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Pages;
using Qcow2Target.Scsi.Pages.Vpd;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>INQUIRY (SPC-4 6.6): standard data, or a vital product data page.</summary>
internal static class Inquiry
{
    private const byte EnableVitalProductData = 0x01;
    private const byte CommandData = 0x02;   // CMDDT, obsolete: REPORT SUPPORTED OPERATION CODES took its place
    private const int CommandDataBit = 1;
    private const int PageField = 2;
    private const int AllocationField = 3;

    public static CommandPlan Begin(in CommandContext context)
    {
        ReadOnlySpan<byte> cdb = context.Cdb;
        if (Refusal(cdb) is { } sense)
            return context.Refuse(sense);
        if ((cdb[1] & EnableVitalProductData) == 0)
            return context.Answer(StandardInquiryData.Encode(context.Unit), cdb.U16(AllocationField));

        byte code = cdb[PageField];
        return VpdPages.Find(code) is { } page
            ? context.Answer(VpdPages.Encode(StandardInquiryData.Disk, code, page.Body(context)), cdb.U16(AllocationField))
            : context.Refuse(SenseData.InvalidFieldInCdb(PageField));
    }

    /// <summary>The answer where no disk is: standard data with <paramref name="peripheral"/>, and a list of VPD pages with nothing but itself.</summary>
    public static ScsiOutcome Answer(ReadOnlySpan<byte> cdb, byte peripheral)
    {
        if (Refusal(cdb) is { } sense)
            return ScsiOutcome.Check(sense, SenseFormat.Fixed);
        if ((cdb[1] & EnableVitalProductData) != 0 && cdb[PageField] != VpdPages.SupportedPages)
            return ScsiOutcome.Check(SenseData.InvalidFieldInCdb(PageField), SenseFormat.Fixed);

        byte[] data = (cdb[1] & EnableVitalProductData) != 0
            ? VpdPages.Encode(peripheral, VpdPages.SupportedPages, [VpdPages.SupportedPages])
            : StandardInquiryData.Encode(peripheral, LogicalUnitIdentity.Anonymous);
        return ScsiOutcome.GoodWith(data.AsMemory(0, Math.Min(data.Length, cdb.U16(AllocationField))));
    }

    private static SenseData? Refusal(ReadOnlySpan<byte> cdb) =>
        (cdb[1] & CommandData) != 0 ? SenseData.InvalidFieldInCdb(1, CommandDataBit)
        : (cdb[1] & EnableVitalProductData) == 0 && cdb[PageField] != 0 ? SenseData.InvalidFieldInCdb(PageField)
        : null;
}
