using System.Net;

namespace Qcow2Target.Iscsi.Login;

/// <summary>
/// A portal as initiators are told of it: the <c>host:port</c> of a TargetAddress (RFC 7143 13.8), without the portal group tag that SendTargets adds.
/// </summary>
public sealed record PortalAddress
{
    /// <exception cref="ArgumentException">Nobody can connect to it: a wildcard address, or port 0.</exception>
    public PortalAddress(IPEndPoint endPoint)
    {
        // What IPv4 peers connect to on a socket of both families; and no zone, which means something on one host only.
        var address = endPoint.Address.IsIPv4MappedToIPv6 ? endPoint.Address.MapToIPv4() : new IPAddress(endPoint.Address.GetAddressBytes());
        if (IsWildcard(address)) throw new ArgumentException("a wildcard is no address to connect to", nameof(endPoint));
        if (endPoint.Port == 0) throw new ArgumentException("port 0 is none to connect to", nameof(endPoint));
        Address = address;
        Port = endPoint.Port;
    }

    /// <summary>0.0.0.0 or <c>::</c>: something to listen on, and nothing to connect to.</summary>
    public static bool IsWildcard(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>IPv4, or IPv6 without a zone; no wildcard.</summary>
    public IPAddress Address { get; }

    /// <summary>1 to 65535.</summary>
    public int Port { get; }

    /// <summary><c>192.0.2.7:3260</c> or <c>[2001:db8::1]:3260</c>.</summary>
    public override string ToString() => new IPEndPoint(Address, Port).ToString();
}
