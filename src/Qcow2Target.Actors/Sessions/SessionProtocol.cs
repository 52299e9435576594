using Qcow2Target.Iscsi.Sessions;

namespace Qcow2Target.Actors.Sessions;

/// <summary>What others may say to a session.</summary>
public interface ISessionCommand;

/// <summary>End the session: its connection is closed and its tasks end without status. The target hears <c>NexusEnded</c> when all is quiet.</summary>
public sealed record EndSession(string Reason, SessionEnding Ending) : ISessionCommand;

/// <summary>How a session is ended.</summary>
public enum SessionEnding
{
    /// <summary>The connection is closed.</summary>
    AtOnce,

    /// <summary>The initiator is asked to log out (Async Message, event 1) and gets a moment for it; then the connection is closed.</summary>
    AskForLogout,
}

/// <summary>From a session to its target: a function that reaches the tasks of every session (CLEAR TASK SET and the resets).</summary>
/// <param name="Request">The function, to be answered.</param>
/// <param name="Lun">The LUN field it names, or null for the whole target.</param>
/// <param name="Tsih">The session it came by.</param>
public sealed record ResetLuns(TaskManagementRequest Request, ulong? Lun, ushort Tsih);
