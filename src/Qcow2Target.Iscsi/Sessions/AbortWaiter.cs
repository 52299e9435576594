namespace Qcow2Target.Iscsi.Sessions;

/// <summary>Somebody who waits until a number of aborted tasks are quiet. Used under the session's gate.</summary>
internal sealed class AbortWaiter
{
    private readonly TaskCompletionSource _quiet = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _busyTasks;

    /// <summary>Ends when every task that was added is quiet.</summary>
    public Task Quiet => _busyTasks == 0 ? Task.CompletedTask : _quiet.Task;

    public void Add(ScsiTask task)
    {
        _busyTasks++;
        (task.Waiters ??= []).Add(this);
    }

    public void OneIsQuiet()
    {
        if (--_busyTasks == 0) _quiet.TrySetResult();
    }
}
