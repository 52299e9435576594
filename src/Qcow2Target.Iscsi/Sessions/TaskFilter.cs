using Qcow2Target.Iscsi.Sequencing;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>Which tasks of a session an abort is for. Start from one of the factories; narrow it with <see cref="Before"/>.</summary>
public readonly struct TaskFilter
{
    private readonly uint? _tag;
    private readonly ulong? _lun;
    private readonly uint? _beforeCmdSn;

    private TaskFilter(uint? tag, ulong? lun, uint? beforeCmdSn)
    {
        _tag = tag;
        _lun = lun;
        _beforeCmdSn = beforeCmdSn;
    }

    /// <summary>Every task of the session (target resets, close).</summary>
    public static TaskFilter All => default;

    /// <summary>The task with this Initiator Task Tag (ABORT TASK).</summary>
    public static TaskFilter ByTag(uint initiatorTaskTag) => new(initiatorTaskTag, null, null);

    /// <summary>Every task on this 8-byte LUN field, compared as it stands in the PDUs (ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET).</summary>
    public static TaskFilter ByLun(ulong lun) => new(null, lun, null);

    /// <summary>Only those whose CmdSN lies before this one in serial order: a function of this very session does not touch commands sent after it.</summary>
    public TaskFilter Before(uint cmdSn) => new(_tag, _lun, cmdSn);

    internal bool Matches(ScsiTask task)
        => (_tag is not { } tag || task.InitiatorTaskTag == tag)
            && (_lun is not { } lun || task.Lun == lun)
            && (_beforeCmdSn is not { } cmdSn || Serial.IsBefore(task.CmdSn, cmdSn) || (task.IsImmediate && task.CmdSn == cmdSn));
}

/// <summary>What an abort found.</summary>
/// <param name="Count">Tasks that were alive and now never answer. 0 for ABORT TASK: the task does not exist or was answered (response 1).</param>
/// <param name="Quiet">Ends when the writes of those tasks that were under way have returned. Reads are not waited for: they touch memory of ours only.</param>
public readonly record struct AbortResult(int Count, Task Quiet);
