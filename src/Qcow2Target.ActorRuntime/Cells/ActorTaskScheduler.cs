namespace Qcow2Target.ActorRuntime;

/// <summary>
/// Brings the continuations of asynchronous handlers back to the actor's turn, as system messages. One for each incarnation: what an ended
/// incarnation left unfinished never runs.
/// </summary>
internal sealed class ActorTaskScheduler : TaskScheduler
{
    private readonly ActorCell _cell;
    private volatile bool _closed;

    public ActorTaskScheduler(ActorCell cell) => _cell = cell;

    public override int MaximumConcurrencyLevel => 1;

    public void Close() => _closed = true;

    public void Run(Task task)
    {
        if (!_closed) TryExecuteTask(task);
    }

    protected override void QueueTask(Task task)
    {
        if (!_closed) _cell.Self.SendSystemMessage(new RunContinuation(this, task));
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        !taskWasPreviouslyQueued && !_closed && ActorCell.Current == _cell && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks() => null;
}
