using System.Text;
using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Pages.Vpd;

/// <summary>
/// VPD 83h (SPC-4 7.8.6): who the disk is, then the port that was asked, then the target. The NAA name comes first: initiators take the
/// first that they like for the disk's name.
/// </summary>
internal static class DeviceIdentification
{
    private const int BinaryCodes = 1;
    private const int AsciiCodes = 2;
    private const int Utf8Codes = 3;

    private const byte ProtocolValid = 0x80;
    private const int IScsi = 5;

    public static byte[] Body(in CommandContext context)
    {
        LogicalUnitIdentity identity = context.Unit.Identity;
        TargetPort port = context.Nexus.Nexus.Port;
        return
        [
            .. OfUnit(identity).SelectMany(designator => designator),
            .. Designator(BinaryCodes, Association.Port, DesignatorType.RelativePort, Number(port.RelativePortId)),
            .. Designator(BinaryCodes, Association.Port, DesignatorType.PortGroup, Number(port.PortalGroupTag)),
            .. Designator(Utf8Codes, Association.Port, DesignatorType.ScsiName, Name($"{port.TargetName},t,0x{port.PortalGroupTag:x4}")),
            .. Designator(Utf8Codes, Association.Target, DesignatorType.ScsiName, Name(port.TargetName)),
        ];
    }

    /// <summary>The designators that name the unit, with their headers.</summary>
    public static byte[][] OfUnit(LogicalUnitIdentity identity) =>
    [
        Designator(BinaryCodes, Association.LogicalUnit, DesignatorType.Naa, Naa(identity.Id)),
        Designator(AsciiCodes, Association.LogicalUnit, DesignatorType.T10Vendor, Vendor(identity)),
        Designator(BinaryCodes, Association.LogicalUnit, DesignatorType.Uuid, Uuid(identity.Id)),
    ];

    private static byte[] Designator(int codes, Association association, DesignatorType type, byte[] value)
    {
        bool namesPort = association != Association.LogicalUnit;
        return
        [
            (byte)(namesPort ? (IScsi << 4) | codes : codes),
            (byte)((namesPort ? ProtocolValid : 0) | ((int)association << 4) | (int)type),
            0,
            checked((byte)value.Length),
            .. value,
        ];
    }

    /// <summary>
    /// NAA 6, IEEE registered extended: 16 bytes. The company is a locally administered one (bit 1 of its first byte), so that no vendor's
    /// disk can have the same name; the other 100 bits are the id's last.
    /// </summary>
    private static byte[] Naa(Guid id)
    {
        byte[] naa = id.ToByteArray(bigEndian: true);
        naa[0] = 0x60;
        naa[1] = 0x25;
        naa[2] = 0x14;
        naa[3] = (byte)(0x30 | (naa[3] & 0x0F));
        return naa;
    }

    private static byte[] Vendor(LogicalUnitIdentity identity)
    {
        const int vendorBytes = 8;
        byte[] value = new byte[vendorBytes + identity.SerialNumber.Length];
        value.PutAscii(0, vendorBytes, identity.Vendor);
        value.PutAscii(vendorBytes, identity.SerialNumber.Length, identity.SerialNumber);
        return value;
    }

    private static byte[] Uuid(Guid id) => [0x10, 0, .. id.ToByteArray(bigEndian: true)];

    private static byte[] Number(ushort number) => [0, 0, (byte)(number >> 8), (byte)number];

    // NUL-terminated and padded to a multiple of four bytes (SPC-4 7.8.6.11).
    private static byte[] Name(string name)
    {
        byte[] value = new byte[(Encoding.UTF8.GetByteCount(name) + 4) / 4 * 4];
        Encoding.UTF8.GetBytes(name, value);
        return value;
    }

    private enum Association
    {
        LogicalUnit = 0,
        Port = 1,
        Target = 2,
    }

    private enum DesignatorType
    {
        T10Vendor = 0x1,
        Naa = 0x3,
        RelativePort = 0x4,
        PortGroup = 0x5,
        ScsiName = 0x8,
        Uuid = 0xA,
    }
}
