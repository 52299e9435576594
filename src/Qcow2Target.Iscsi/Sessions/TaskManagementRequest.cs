namespace Qcow2Target.Iscsi.Sessions;

/// <summary>One Task Management Function Request (RFC 7143 11.5) on its way to the owner of the tasks.</summary>
public sealed class TaskManagementRequest
{
    private readonly SessionMachine _machine;
    private int _responded;

    internal TaskManagementRequest(SessionMachine machine) => _machine = machine;

    public TaskManagementFunction Function { get; internal init; }

    /// <summary>The 8-byte LUN field, big-endian. Reserved (ignore it) for target resets.</summary>
    public ulong Lun { get; internal init; }

    public uint InitiatorTaskTag { get; internal init; }

    /// <summary>Tag of the task to abort: ABORT TASK and TASK REASSIGN only.</summary>
    public uint ReferencedTaskTag { get; internal init; }

    /// <summary>CmdSN of the function: it acts on this session's commands before that (<see cref="TaskFilter.Before"/>).</summary>
    public uint CmdSn { get; internal init; }

    /// <summary>Sends the response. Any thread; the first call counts. The caller has waited until the aborted tasks are quiet, or answers <see cref="TaskManagementResponse.Rejected"/>.</summary>
    public void Respond(TaskManagementResponse response)
    {
        if (Interlocked.Exchange(ref _responded, 1) == 0) _machine.RespondTaskManagement(this, response);
    }
}

/// <summary>Function of a Task Management Function Request (RFC 7143 11.5.1).</summary>
public enum TaskManagementFunction : byte
{
    AbortTask = 1,
    AbortTaskSet = 2,
    ClearAca = 3,
    ClearTaskSet = 4,
    LogicalUnitReset = 5,
    TargetWarmReset = 6,
    TargetColdReset = 7,
    TaskReassign = 8,
}

/// <summary>Response of a Task Management Function Response (RFC 7143 11.6.1).</summary>
public enum TaskManagementResponse : byte
{
    Complete = 0,
    TaskDoesNotExist = 1,
    LunDoesNotExist = 2,
    TaskStillAllegiant = 3,
    ReassignmentNotSupported = 4,
    NotSupported = 5,
    AuthorizationFailed = 6,
    Rejected = 255,
}
