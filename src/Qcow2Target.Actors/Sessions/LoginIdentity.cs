using System.Net;

namespace Qcow2Target.Actors.Sessions;

/// <summary>Who logs in, as far as the target decides by it (RFC 7143 clause 6.3.5).</summary>
/// <param name="Initiator">InitiatorName as it was sent.</param>
/// <param name="InitiatorSessionId">ISID, 48 bits.</param>
/// <param name="Tsih">0 for a new session (or the reinstatement of one), else the session that is meant.</param>
/// <param name="ConnectionId">CID.</param>
/// <param name="Peer">Address and port of the initiator.</param>
/// <param name="ChapUser">The user that it has proved to be; null: it was not asked.</param>
public sealed record LoginIdentity(
    string Initiator, ulong InitiatorSessionId, ushort Tsih, ushort ConnectionId, IPEndPoint Peer, string? ChapUser = null)
{
    /// <summary>Same initiator port: name (without case) and ISID.</summary>
    public bool IsSamePort(LoginIdentity other) =>
        InitiatorSessionId == other.InitiatorSessionId && string.Equals(Initiator, other.Initiator, StringComparison.OrdinalIgnoreCase);
}
