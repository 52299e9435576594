using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Pages.Vpd;

/// <summary>The vital product data pages of a disk: page 00h lists what is in this table.</summary>
internal static class VpdPages
{
    public const byte SupportedPages = 0x00;

    private const int HeaderBytes = 4;

    // Ascending, as page 00h must list them.
    private static readonly VpdPage[] Pages =
    [
        new(SupportedPages, static (in _) => Codes()),
        new(0x80, UnitSerialNumber.Body),
        new(0x83, DeviceIdentification.Body),
        new(0x86, ExtendedInquiryData.Body),
        new(0x8F, ThirdPartyCopy.Body),
        new(0xB0, BlockLimits.Body),
        new(0xB1, BlockDeviceCharacteristics.Body),
        new(0xB2, LogicalBlockProvisioning.Body),
    ];

    public static VpdPage? Find(byte code) => Array.Find(Pages, page => page.Code == code);

    /// <summary>A page with its header; <paramref name="peripheral"/> is byte 0 of the standard data.</summary>
    public static byte[] Encode(byte peripheral, byte code, byte[] body)
    {
        byte[] page = new byte[HeaderBytes + body.Length];
        page[0] = peripheral;
        page[1] = code;
        page.PutU16(2, body.Length);
        body.CopyTo(page, HeaderBytes);
        return page;
    }

    private static byte[] Codes() => [.. Pages.Select(page => page.Code)];
}
