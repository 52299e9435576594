using System.Security.Cryptography;
using System.Text;

namespace Qcow2Target.Scsi;

/// <summary>
/// Who a disk is: what makes multipath and clusters tell disks apart, so it must come from something that lasts, never from a counter.
/// </summary>
/// <param name="Id">128 bits, stable for the disk and unique in the world; the NAA and UUID designators of VPD 83h are made of it.</param>
/// <param name="SerialNumber">Unit serial number (VPD 80h): printable ASCII, 1 to 128 characters, unique.</param>
public sealed record LogicalUnitIdentity(Guid Id, string SerialNumber)
{
    public const int MaxSerialNumberLength = 128;

    /// <summary>T10 vendor identification: at most 8 printable ASCII characters.</summary>
    public string Vendor { get; init; } = "QCOW2TGT";

    /// <summary>Product identification: at most 16 printable ASCII characters.</summary>
    public string Product { get; init; } = "QCOW2 DISK";

    /// <summary>Product revision level: at most 4 printable ASCII characters.</summary>
    public string Revision { get; init; } = "0001";

    /// <summary>For INQUIRY where no disk is: the texts only.</summary>
    internal static LogicalUnitIdentity Anonymous { get; } = new(Guid.Empty, "");

    /// <summary>The identity that belongs to <paramref name="seed"/> (say, the daemon's id and the image's path) for ever; the serial number is its hash.</summary>
    public static LogicalUnitIdentity FromSeed(string seed)
    {
        Guid id = Hash(seed);
        return new LogicalUnitIdentity(id, id.ToString("N"));
    }

    /// <summary>The identity of a serial number that the operator chose; the same wherever the disk is attached.</summary>
    /// <exception cref="ArgumentException">Not 1 to 128 printable ASCII characters.</exception>
    public static LogicalUnitIdentity FromSerialNumber(string serialNumber)
    {
        if (!IsSerialNumber(serialNumber))
            throw new ArgumentException($"A serial number has 1 to {MaxSerialNumberLength} printable ASCII characters and no blank at either end.", nameof(serialNumber));
        return new LogicalUnitIdentity(Hash("serial:" + serialNumber), serialNumber);
    }

    public static bool IsSerialNumber(string text) =>
        text.Length is > 0 and <= MaxSerialNumberLength && text[0] != ' ' && text[^1] != ' ' && text.All(c => c is >= ' ' and <= '~');

    private static Guid Hash(string seed) => new(SHA256.HashData(Encoding.UTF8.GetBytes(seed)).AsSpan(0, 16), bigEndian: true);
}
