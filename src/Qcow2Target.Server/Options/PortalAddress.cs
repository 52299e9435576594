using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Qcow2Target.Server.Options;

/// <summary><c>ADDRESS:PORT</c>, with IPv6 addresses in brackets.</summary>
internal static class PortalAddress
{
    public const string Expected = "must be ADDRESS:PORT, as 192.0.2.1:3260 or [2001:db8::1]:3260";

    /// <returns>The end point, or null where <paramref name="text"/> is none. Names are not looked up: a portal is an address of this host.</returns>
    public static IPEndPoint? TryParse(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon < 0 || AddressOf(text[..colon]) is not { } address)
            return null;
        return ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
            ? new IPEndPoint(address, port)
            : null;
    }

    private static IPAddress? AddressOf(string text)
    {
        if (text is ['[', .. var inner, ']'])
            return IPAddress.TryParse(inner, out IPAddress? v6) && v6.AddressFamily == AddressFamily.InterNetworkV6 && !inner.Contains('[') ? v6 : null;
        // Also taken by the parser, and rarely meant: 1 for 0.0.0.1, 010.0.0.1 for 8.0.0.1.
        return IPAddress.TryParse(text, out IPAddress? v4) && v4.AddressFamily == AddressFamily.InterNetwork && v4.ToString() == text ? v4 : null;
    }
}
