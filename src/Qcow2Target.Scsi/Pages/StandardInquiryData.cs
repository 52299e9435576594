using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Pages;

/// <summary>Standard INQUIRY data (SPC-4 6.6.2): 96 bytes.</summary>
internal static class StandardInquiryData
{
    /// <summary>Peripheral byte of a disk.</summary>
    public const byte Disk = 0x00;

    /// <summary>Peripheral byte of a well known logical unit.</summary>
    public const byte WellKnownUnit = 0x1E;

    /// <summary>Peripheral byte of a LUN that the target does not have: qualifier 011b, type 1Fh.</summary>
    public const byte Absent = 0x7F;

    public const int Bytes = 96;

    private const byte Spc4 = 0x06;             // SPC-5's 07 is refused by libiscsi's suite
    private const byte HierarchicalLuns = 0x10;
    private const byte ResponseFormat = 0x02;
    private const byte RemovableMedium = 0x80;
    private const byte ImplicitPortGroups = 0x10;   // TPGS 01b: REPORT TARGET PORT GROUPS works
    private const byte ThirdPartyCopy = 0x08;       // 3PC: EXTENDED COPY works
    private const byte CommandQueuing = 0x02;

    private static readonly ushort[] Standards =
    [
        0x00A0,   // SAM-5
        0x0960,   // iSCSI
        0x0460,   // SPC-4
        0x04C0,   // SBC-3: without it the suite takes a 60-byte block limits page for an error
    ];

    /// <summary>The data of a disk.</summary>
    public static byte[] Encode(LogicalUnit unit)
    {
        byte[] data = Encode(Disk, unit.Identity);
        data[1] = unit.Tray is null ? (byte)0 : RemovableMedium;
        data[5] = ImplicitPortGroups | ThirdPartyCopy;
        return data;
    }

    public static byte[] Encode(byte peripheral, LogicalUnitIdentity identity)
    {
        byte[] data = new byte[Bytes];
        data[0] = peripheral;
        data[2] = Spc4;
        data[3] = HierarchicalLuns | ResponseFormat;
        data[4] = Bytes - 5;
        data[7] = CommandQueuing;
        data.PutAscii(8, 8, identity.Vendor);
        data.PutAscii(16, 16, identity.Product);
        data.PutAscii(32, 4, identity.Revision);
        for (int i = 0; i < Standards.Length; i++)
            data.PutU16(58 + (2 * i), Standards[i]);
        return data;
    }
}
