namespace Qcow2Target.Scsi.Pages.Mode;

/// <summary>A page whose zeros are the truth.</summary>
internal sealed class ZeroModePage(byte code, int bytes) : ModePage(code, 0, bytes)
{
    protected override void Fill(byte[] page, ModeParameters modes)
    {
    }
}
