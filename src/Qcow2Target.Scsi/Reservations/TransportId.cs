using System.Globalization;
using System.Text;
using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Reservations;

/// <summary>An iSCSI TransportID (SPC-4 7.6.4.6): an initiator port, or the name alone of an initiator device.</summary>
internal static class TransportId
{
    private const int IScsi = 0x05;
    private const byte DeviceFormat = 0x00;
    private const byte PortFormat = 0x40;
    private const int HeaderBytes = 4;
    private const int MinBytes = 24;
    private const int MaxNameBytes = 223;
    private const string Separator = ",i,0x";

    public static byte[] Encode(InitiatorPort port)
    {
        byte[] name = Encoding.UTF8.GetBytes(port.ToString());
        int padded = (name.Length + 1 + 3) / 4 * 4;   // NUL-terminated, then to whole words
        byte[] bytes = new byte[Math.Max(MinBytes, HeaderBytes + padded)];
        bytes[0] = PortFormat | IScsi;
        bytes.PutU16(2, bytes.Length - HeaderBytes);
        name.CopyTo(bytes, HeaderBytes);
        return bytes;
    }

    /// <summary>Reads the first TransportID and moves <paramref name="rest"/> behind it.</summary>
    /// <param name="rest">TransportIDs, one after the other.</param>
    /// <param name="portsOf">The known ports of an initiator device.</param>
    /// <returns>The ports that it names; null when it is malformed or names none.</returns>
    public static InitiatorPort[]? Read(ref ReadOnlySpan<byte> rest, Func<string, IEnumerable<InitiatorPort>> portsOf)
    {
        if (rest.Length < MinBytes)
            return null;
        int bytes = HeaderBytes + rest.U16(2);
        if (bytes < MinBytes || bytes % 4 != 0 || bytes > rest.Length)
            return null;
        byte format = rest[0];
        ReadOnlySpan<byte> field = rest[HeaderBytes..bytes];
        rest = rest[bytes..];

        int end = field.IndexOf((byte)0);
        if (end <= 0)
            return null;
        string text = Encoding.UTF8.GetString(field[..end]);
        switch (format)
        {
            case DeviceFormat | IScsi when IsName(text):
                InitiatorPort[] known = [.. portsOf(text.ToLowerInvariant())];
                return known.Length > 0 ? known : null;
            case PortFormat | IScsi:
                int at = text.IndexOf(Separator, StringComparison.OrdinalIgnoreCase);
                if (at <= 0 || !IsName(text[..at]) || text.Length - at - Separator.Length != 12)
                    return null;
                return ulong.TryParse(text.AsSpan(at + Separator.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong sessionId)
                    ? [new InitiatorPort(text[..at], sessionId)]
                    : null;
            default:
                return null;
        }
    }

    private static bool IsName(string text) => Encoding.UTF8.GetByteCount(text) <= MaxNameBytes && !text.Contains(',', StringComparison.Ordinal);
}
