namespace Qcow2Target.Scsi.Pages.Vpd;

/// <summary>VPD 86h (SPC-4 7.8.7): which task attributes there are, that a cache is volatile, that unit attentions clear by I_T nexus.</summary>
internal static class ExtendedInquiryData
{
    private const int Bytes = 0x3C;
    private const byte SimpleOrderedAndHead = 0x07;   // SIMPSUP, ORDSUP, HEADSUP
    private const byte VolatileCache = 0x01;          // V_SUP
    private const byte NexusClears = 0x01;            // LUICLR

    public static byte[] Body(in CommandContext context)
    {
        byte[] body = new byte[Bytes];
        body[5 - 4] = SimpleOrderedAndHead;
        body[6 - 4] = VolatileCache;
        body[7 - 4] = NexusClears;
        return body;
    }
}
