using System.Net;
using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.Actors.Portals;

/// <summary>Which portal addresses an initiator is told (RFC 7143 appendix C: those by which it can reach the target).</summary>
internal static class PortalAddresses
{
    /// <summary>
    /// The address that this connection came to, first; then the other portals as they were configured. In place of a wildcard stands the connection's own
    /// address, where it is of that family. Loopback and link-local ones only to who came over such a one.
    /// </summary>
    /// <param name="local">Where the connection came in.</param>
    /// <param name="portals">Where the daemon listens, with the ports that it really has.</param>
    /// <param name="portalGroupTag">Tag of the one portal group.</param>
    /// <returns>Values of TargetAddress: <c>host:port,tag</c>.</returns>
    public static IReadOnlyList<string> For(IPEndPoint local, IEnumerable<IPEndPoint> portals, ushort portalGroupTag)
    {
        var own = new PortalAddress(local);
        var others =
            from portal in portals
            where !PortalAddress.IsWildcard(portal.Address) || portal.AddressFamily == own.Address.AddressFamily
            let other = new PortalAddress(PortalAddress.IsWildcard(portal.Address) ? new IPEndPoint(own.Address, portal.Port) : portal)
            where other.Address.Equals(own.Address) || (!IsLinkLocal(other.Address) && IPAddress.IsLoopback(other.Address) == IPAddress.IsLoopback(own.Address))
            select other;
        return [.. others.Prepend(own).Distinct().Select(address => FormattableString.Invariant($"{address},{portalGroupTag}"))];
    }

    private static bool IsLinkLocal(IPAddress address) => address.IsIPv6LinkLocal || address.GetAddressBytes() is [169, 254, _, _];
}
