using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Pages.Vpd;

/// <summary>VPD B1h (SBC-3 6.5.2, SBC-4 for FUAB): a medium that does not rotate.</summary>
internal static class BlockDeviceCharacteristics
{
    private const int Bytes = 0x3C;
    private const int NonRotating = 1;
    private const byte ReadsAfterBlockErase = 0x40;   // WABEREQ 01b: after SANITIZE BLOCK ERASE reads end without error
    private const byte FlushCoversAll = 0x02;   // FUAB: SYNCHRONIZE CACHE and FUA work as SBC-3 has them

    public static byte[] Body(in CommandContext context)
    {
        byte[] body = new byte[Bytes];
        body.PutU16(0, NonRotating);
        body[7 - 4] = ReadsAfterBlockErase;
        body[8 - 4] = FlushCoversAll;
        return body;
    }
}
