using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Pages.Mode;

/// <summary>Control page (SPC-4 7.5.8): one task set, commands may be reordered, D_SENSE and SWP can be changed.</summary>
internal sealed class ControlPage() : ModePage(0x0A, 0, 12)
{
    private const int SenseField = 2;
    private const byte DescriptorSense = 0x04;         // D_SENSE
    private const int ReorderField = 3;
    private const byte UnrestrictedReordering = 0x10;  // QUEUE ALGORITHM MODIFIER 1
    private const int ProtectField = 4;
    private const byte SoftwareWriteProtect = 0x08;    // SWP
    private const int BusyTimeoutField = 8;
    private const int BusyForEver = 0xFFFF;

    public override ModeParameters Apply(ReadOnlySpan<byte> page, ModeParameters modes) => modes with
    {
        SenseFormat = (page[SenseField] & DescriptorSense) != 0 ? SenseFormat.Descriptor : SenseFormat.Fixed,
        SoftwareWriteProtect = (page[ProtectField] & SoftwareWriteProtect) != 0,
    };

    protected override void Fill(byte[] page, ModeParameters modes)
    {
        page[SenseField] = modes.SenseFormat == SenseFormat.Descriptor ? DescriptorSense : (byte)0;
        page[ReorderField] = UnrestrictedReordering;
        page[ProtectField] = modes.SoftwareWriteProtect ? SoftwareWriteProtect : (byte)0;
        page.PutU16(BusyTimeoutField, BusyForEver);
    }

    protected override void FillChangeable(byte[] page)
    {
        page[SenseField] = DescriptorSense;
        page[ProtectField] = SoftwareWriteProtect;
    }
}
