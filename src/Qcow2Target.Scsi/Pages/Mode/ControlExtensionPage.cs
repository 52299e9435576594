using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Pages.Mode;

/// <summary>Control extension page (SPC-4 7.5.9).</summary>
internal sealed class ControlExtensionPage() : ModePage(0x0A, 0x01, 32)
{
    private const int MaxSenseField = 6;

    protected override void Fill(byte[] page, ModeParameters modes) => page[MaxSenseField] = SenseData.MaxBytes;
}
