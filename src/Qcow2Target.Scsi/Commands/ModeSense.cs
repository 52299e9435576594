using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Pages.Mode;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>MODE SENSE (6) and (10) (SPC-4 6.13, 6.14).</summary>
internal static class ModeSense
{
    private const byte DisableDescriptors = 0x08;
    private const byte LongLbaAccepted = 0x10;
    private const int PageField = 2;
    private const int SubpageField = 3;

    private enum PageControl
    {
        Current = 0,
        Changeable = 1,
        Default = 2,
        Saved = 3,
    }

    public static CommandPlan Begin6(in CommandContext context) => Begin(context, ModeHeader.Short, context.Cdb[4]);

    public static CommandPlan Begin10(in CommandContext context) => Begin(context, ModeHeader.Long, context.Cdb.U16(7));

    private static CommandPlan Begin(in CommandContext context, ModeHeader form, uint allocationLength)
    {
        ReadOnlySpan<byte> cdb = context.Cdb;
        var control = (PageControl)(cdb[PageField] >> 6);
        byte code = (byte)(cdb[PageField] & 0x3F);
        ModePage[] pages = ModePages.Select(code, cdb[SubpageField]);
        if (pages.Length == 0)
            return context.Refuse(PageRefusal(code));
        if (control == PageControl.Saved)
            return context.Refuse(SenseData.SavingParametersNotSupported);

        ModeParameters modes = control == PageControl.Default ? context.Unit.DefaultModes : context.Modes;
        byte[] body = [.. pages.SelectMany(page => control == PageControl.Changeable ? page.EncodeChangeable() : page.Encode(modes))];
        byte[] header = ModeParameterHeader.Encode(form, DescriptorFor(cdb[1], form), context, body.Length);
        return context.Answer([.. header, .. body], allocationLength);
    }

    private static BlockDescriptor DescriptorFor(byte flags, ModeHeader form) =>
        (flags & DisableDescriptors) != 0 ? BlockDescriptor.None
        : form == ModeHeader.Long && (flags & LongLbaAccepted) != 0 ? BlockDescriptor.Long
        : BlockDescriptor.Short;

    // The page when there is none of that code, its subpage when there is.
    private static SenseData PageRefusal(byte code) => ModePages.Select(code, ModePages.AllSubpages).Length == 0
        ? SenseData.InvalidFieldInCdb(PageField, 5)
        : SenseData.InvalidFieldInCdb(SubpageField);
}
