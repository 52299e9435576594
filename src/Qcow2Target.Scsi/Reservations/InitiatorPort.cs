namespace Qcow2Target.Scsi.Reservations;

/// <summary>
/// An initiator port as iSCSI names it (SPC-4 7.6.4.6, RFC 7143 clause 4.4.1): it lasts over logins, so persistent reservations know an
/// I_T nexus by it. The target port is always the unit's one.
/// </summary>
/// <param name="name">iSCSI name of the initiator, at most 223 bytes; case does not count.</param>
/// <param name="sessionId">ISID, 48 bits.</param>
public sealed class InitiatorPort(string name, ulong sessionId) : IEquatable<InitiatorPort>
{
    /// <summary>In lower case.</summary>
    public string Name { get; } = name.ToLowerInvariant();

    public ulong SessionId { get; } = sessionId;

    public bool Equals(InitiatorPort? other) => other is not null && SessionId == other.SessionId && Name == other.Name;

    public override bool Equals(object? obj) => Equals(obj as InitiatorPort);

    public override int GetHashCode() => HashCode.Combine(Name, SessionId);

    /// <summary>The name as TransportIDs write it.</summary>
    public override string ToString() => $"{Name},i,0x{SessionId:x12}";
}
