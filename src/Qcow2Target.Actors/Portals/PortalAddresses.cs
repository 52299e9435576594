using System.Net;
using System.Net.Sockets;

namespace Qcow2Target.Actors.Portals;

/// <summary>Which portal addresses an initiator is told (RFC 7143 clause 8.1: only ones that it can reach).</summary>
internal static class PortalAddresses
{
    /// <summary>
    /// The address that this connection came to, first; then the other portals that were configured with an address. Never a wildcard; loopback
    /// and link-local ones only where the connection itself came over such a one.
    /// </summary>
    public static IReadOnlyList<string> For(IPEndPoint local, IEnumerable<PortalOptions> portals, ushort portalGroupTag)
    {
        var own = Plain(local);
        var endPoints = new List<IPEndPoint> { own };
        foreach (var portal in portals)
        {
            var address = portal.EndPoint.Address;
            if (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) || address.IsIPv6LinkLocal)
                continue;
            if (IPAddress.IsLoopback(address) != IPAddress.IsLoopback(own.Address) || endPoints.Contains(portal.EndPoint))
                continue;
            endPoints.Add(portal.EndPoint);
        }
        return [.. endPoints.Select(e => Show(e, portalGroupTag))];
    }

    private static IPEndPoint Plain(IPEndPoint endPoint) =>
        endPoint.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(endPoint.Address.MapToIPv4(), endPoint.Port) : endPoint;

    /// <summary><c>host:port,tag</c>; IPv6 in brackets, without the zone, which means something on this host only.</summary>
    private static string Show(IPEndPoint endPoint, ushort portalGroupTag)
    {
        if (endPoint.AddressFamily != AddressFamily.InterNetworkV6)
            return FormattableString.Invariant($"{endPoint.Address}:{endPoint.Port},{portalGroupTag}");
        var bare = new IPAddress(endPoint.Address.GetAddressBytes());
        return FormattableString.Invariant($"[{bare}]:{endPoint.Port},{portalGroupTag}");
    }
}
