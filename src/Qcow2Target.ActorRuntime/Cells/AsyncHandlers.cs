namespace Qcow2Target.ActorRuntime;

/// <summary>
/// Runs asynchronous handlers: the mailbox is suspended until the task ends, so that the actor still handles one message at a time, while
/// system messages, among them the task's continuations, go on.
/// </summary>
internal sealed class AsyncHandlers
{
    private readonly ActorCell _cell;
    private ActorTaskScheduler _scheduler;
    private Task _pending;

    public AsyncHandlers(ActorCell cell) => _cell = cell;

    /// <summary>A handler is waiting for something.</summary>
    public bool IsAwaiting => _pending is not null;

    /// <summary>Starts the handler on this turn. What it throws before its first wait comes out here.</summary>
    public void Run<T>(Func<T, Task> handler, T message)
    {
        _scheduler ??= new ActorTaskScheduler(_cell);
        var start = new Task<Task>(() => handler(message));
        start.RunSynchronously(_scheduler);
        Task handling = start.GetAwaiter().GetResult();
        if (handling is null) return;
        if (handling.IsCompleted)
        {
            handling.GetAwaiter().GetResult();
            return;
        }

        _pending = handling;
        _cell.Mailbox.Suspend();
        handling.ContinueWith(
            static (task, cell) => ((ActorCell)cell).Self.SendSystemMessage(new HandlerCompleted(task)),
            _cell,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>The task has ended; false when it is one of an earlier incarnation.</summary>
    public bool TryComplete(Task task)
    {
        if (task != _pending) return false;
        _pending = null;
        _cell.Mailbox.Resume();
        return true;
    }

    /// <summary>The incarnation ends: nothing of what its handlers have left to do will run.</summary>
    public void Abandon()
    {
        _scheduler?.Close();
        _scheduler = null;
        if (_pending is null) return;
        _pending = null;
        _cell.Mailbox.Resume();
    }
}
