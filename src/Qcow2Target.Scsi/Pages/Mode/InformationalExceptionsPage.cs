namespace Qcow2Target.Scsi.Pages.Mode;

/// <summary>Informational exceptions control page (SPC-4 7.5.11): there are none, DEXCPT says so.</summary>
internal sealed class InformationalExceptionsPage() : ModePage(0x1C, 0, 12)
{
    private const byte Disabled = 0x08;

    protected override void Fill(byte[] page, ModeParameters modes) => page[2] = Disabled;
}
