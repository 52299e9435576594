namespace Qcow2Target.Scsi.Pages.Vpd;

/// <summary>VPD B2h (SBC-3 6.5.4): thin, unmapped by UNMAP and by both WRITE SAMEs, and zeros are read from what is unmapped.</summary>
internal static class LogicalBlockProvisioning
{
    private const byte ByUnmap = 0x80;         // LBPU
    private const byte ByWriteSame16 = 0x40;   // LBPWS
    private const byte ByWriteSame10 = 0x20;   // LBPWS10
    private const byte ReadsZero = 0x04;       // LBPRZ
    private const byte Thin = 0x02;

    public static byte[] Body(in CommandContext context) => [0, ByUnmap | ByWriteSame16 | ByWriteSame10 | ReadsZero, Thin, 0];
}
