using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Scsi;

namespace Qcow2Target.Actors.Sessions;

/// <summary>What hangs on a task while a logical unit works on it. Used again for later commands.</summary>
internal sealed class CommandState
{
    private CancellationTokenSource? _cancellation;

    public CommandPlan Plan { get; set; }

    public ScsiTask? Task { get; set; }

    /// <summary>Commands of a session in the order in which they came.</summary>
    public long Number { get; set; }

    /// <summary>Ends when it is this command's turn; null where it never had to wait for one.</summary>
    public TaskCompletionSource? Turn { get; set; }

    public bool MustWait => Turn is { Task.IsCompleted: false };

    /// <summary>Ends slow work of the task at its next piece, and its wait for space at once. Made when it is asked for.</summary>
    public CancellationToken Cancellation
    {
        get
        {
            if (_cancellation is { } made)
                return made.Token;
            var fresh = new CancellationTokenSource();   // without a timer: nothing to dispose of
            return (Interlocked.CompareExchange(ref _cancellation, fresh, null) ?? fresh).Token;
        }
    }

    /// <summary>Ends the work of the task if it was aborted; nothing of the next task's.</summary>
    public void CancelIfAborted()
    {
        // In this order: a source that belongs to the next task is found together with that task.
        var cancellation = Volatile.Read(ref _cancellation);
        if (Task is { IsAborted: true })
            cancellation?.Cancel();
    }

    /// <summary>The task is over: the next one begins with nothing.</summary>
    public void Clear()
    {
        Plan = default;
        Task = null;
        Turn = null;
        _cancellation = null;
    }
}
