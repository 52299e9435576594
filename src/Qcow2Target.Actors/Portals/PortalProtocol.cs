using System.Net;

namespace Qcow2Target.Actors.Portals;

/// <summary>How a portal came to be: what may go wrong with it differs.</summary>
public enum PortalOrigin
{
    /// <summary>Named by the operator: if it cannot be opened the daemon does not start.</summary>
    Configured,

    /// <summary>One of the defaults: a host without that address family goes without it.</summary>
    Default,
}

/// <param name="EndPoint">Address and port to listen on; port 0 takes a free one.</param>
/// <param name="Origin">Whether it must open.</param>
public sealed record PortalOptions(IPEndPoint EndPoint, PortalOrigin Origin);

/// <summary>Begin to listen; answered by <see cref="PortalsOpened"/> or <see cref="PortalsNotOpened"/>.</summary>
public sealed record OpenPortals;

public sealed record PortalsOpened(IReadOnlyList<IPEndPoint> EndPoints);

public sealed record PortalsNotOpened(string Reason);

/// <summary>Stop listening and drop every connection that has no session yet; answered by <see cref="PortalsClosed"/>.</summary>
public sealed record ClosePortals;

public sealed record PortalsClosed;
