using Qcow2Target.Actors.Sessions;
using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.Actors.Targets;

/// <summary>What the manager tells a target about its state.</summary>
public interface ITargetOrder;

/// <summary>Attach again what the state file holds; answered by <see cref="TargetRestored"/> when each disk is ready or has failed once.</summary>
public sealed record RestoreLuns(IReadOnlyList<StoredLun> Luns) : ITargetOrder;

public sealed record TargetRestored(int Ready, int NotReady);

/// <summary>
/// From a target to the manager: keep these changes of its LUNs, in order. Answered by <see cref="LunsSaved"/> or <see cref="LunsNotSaved"/> with
/// the same number; what was proposed and is not saved never was.
/// </summary>
internal sealed record SaveLuns(int TargetId, IReadOnlyList<LunChange> Changes, long Number);

public sealed record LunsSaved(long Number);

public sealed record LunsNotSaved(long Number, string Reason);

/// <summary>From a target to the manager, which then forgets it: the target has no LUN and no initiator, and admits nobody.</summary>
public sealed record TargetEmptied(int TargetId, IActorRef Client);

/// <summary>Take nobody in any more, end every session, close every disk; answered by <see cref="TargetClosed"/>.</summary>
public sealed record CloseTarget : ITargetOrder;

public sealed record TargetClosed(int TargetId, int NotClosed);

/// <summary>An initiator asks for a session; answered by <see cref="LoginAdmitted"/>, <see cref="LoginRedirected"/> or <see cref="LoginRefused"/>.</summary>
public sealed record AdmitLogin(LoginIdentity Identity);

/// <param name="Tsih">Target session identifying handle of the session to come.</param>
/// <param name="PortalGroupTag">Tag of the portal group.</param>
/// <param name="Reinstated">Connection reinstatement: what the session agreed when it began; null for a new session.</param>
public sealed record LoginAdmitted(ushort Tsih, ushort PortalGroupTag, SessionParameters? Reinstated);

/// <summary>The initiator is to ask elsewhere. No target says so yet: it is for targets that another host serves.</summary>
/// <param name="Address">A portal that the initiator can reach.</param>
/// <param name="Duration">Whether it is to come here again afterwards.</param>
public sealed record LoginRedirected(PortalAddress Address, RedirectDuration Duration);

/// <summary>Status of the login response that refuses (RFC 7143 clause 11.13.5).</summary>
public sealed record LoginRefused(byte StatusClass, byte StatusDetail, string Reason);

/// <summary>The login that was admitted is done: the connection becomes a session. It belongs to who gets this: it becomes a session or is closed.</summary>
public sealed record BeginSession(LoginIdentity Identity, ushort Tsih, EstablishedConnection Connection);

/// <summary>The connection is the session's now.</summary>
public sealed record SessionBegun;

/// <summary>The session is not wanted any more: an operator's command came in between. The connection was closed.</summary>
public sealed record SessionNotBegun;

/// <summary>The session's tasks have ended: its nexus is gone. Answered by <see cref="NexusRemoved"/>.</summary>
public sealed record NexusEnded(ushort Tsih);

public sealed record NexusRemoved;

/// <summary>From a session to its target: its initiator has left pings unanswered, or answers again.</summary>
public sealed record NexusAnswers(ushort Tsih, Responsiveness Responsiveness);
