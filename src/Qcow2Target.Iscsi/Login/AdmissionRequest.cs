namespace Qcow2Target.Iscsi.Login;

/// <summary>
/// Who wants in, after all negotiation and before the final Login Response. The owner finds the target (0203), judges TSIH and CID (new session, session or
/// connection reinstatement, 020A, 0206), ends what is reinstated, and answers by <see cref="LoginMachine.Admit"/>.
/// </summary>
/// <param name="InitiatorName">As the initiator gave it: valid, at most 223 bytes. Compare by <see cref="IscsiName.Equal"/>.</param>
/// <param name="InitiatorAlias">If it gave one.</param>
/// <param name="SessionType">Discovery sessions have no target and are no nexus.</param>
/// <param name="TargetName">Empty for discovery.</param>
/// <param name="Isid">48 bits.</param>
/// <param name="Tsih">0: a new session, or reinstatement of one with the same name, ISID and target.</param>
/// <param name="ConnectionId">CID.</param>
/// <param name="ChapUser">The user that the initiator has proved to be; null: it was not asked.</param>
public sealed record AdmissionRequest(
    string InitiatorName, string? InitiatorAlias, SessionType SessionType, string TargetName, ulong Isid, ushort Tsih, ushort ConnectionId, string? ChapUser);

/// <summary>The owner's answer.</summary>
public abstract record AdmissionDecision
{
    private AdmissionDecision()
    {
    }

    /// <summary>Come in.</summary>
    /// <param name="Tsih">Not 0, unique for initiator and target.</param>
    /// <param name="Reinstated">Connection reinstatement only: the parameters of the session whose connection this one replaces. What is agreed for a
    /// session holds on.</param>
    public sealed record Accepted(ushort Tsih, SessionParameters? Reinstated = null) : AdmissionDecision;

    /// <summary>Class 2 or 3, with words for the log.</summary>
    public sealed record Refused(LoginStatus Status, string Explanation) : AdmissionDecision;

    /// <summary>The target is to be asked for elsewhere: class 1 (RFC 7143 11.13.5), after authentication.</summary>
    /// <param name="Address">A portal that the initiator can reach.</param>
    /// <param name="Duration">Whether the initiator is to forget this portal.</param>
    public sealed record Redirected(PortalAddress Address, RedirectDuration Duration) : AdmissionDecision;
}

/// <summary>For how long a target is elsewhere.</summary>
public enum RedirectDuration
{
    /// <summary>0101: for this login; the next one is to come here again.</summary>
    Temporary,

    /// <summary>0102: for good. libiscsi does not follow it.</summary>
    Permanent,
}
