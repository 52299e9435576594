namespace Qcow2Target.Scsi.Pages.Mode;

/// <summary>Caching page (SBC-3 6.4.5). WCE can be cleared: then every write is durable before its status.</summary>
internal sealed class CachingPage() : ModePage(0x08, 0, 20)
{
    private const int FlagsField = 2;
    private const byte WriteCacheEnabled = 0x04;

    public override ModeParameters Apply(ReadOnlySpan<byte> page, ModeParameters modes) =>
        modes with { WriteCache = (page[FlagsField] & WriteCacheEnabled) != 0 };

    protected override void Fill(byte[] page, ModeParameters modes) => page[FlagsField] = modes.WriteCache ? WriteCacheEnabled : (byte)0;

    protected override void FillChangeable(byte[] page) => page[FlagsField] = WriteCacheEnabled;
}
