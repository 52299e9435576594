namespace Qcow2Target.ActorTestKit;

/// <summary>The logger of test systems: counts the events that a test waits for.</summary>
internal sealed class TestEventListener : ActorBase
{
    private readonly List<LogEventFilter> _filters = [];

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<DeadLetter>(Self);
        Context.System.EventStream.Subscribe<UnhandledMessage>(Self);
    }

    protected override bool Receive(object message)
    {
        if (message is ChangeFilter change)
        {
            if (change.Adds) _filters.Add(change.Filter);
            else _filters.Remove(change.Filter);
            change.Done.TrySetResult();
            return true;
        }

        foreach (LogEventFilter filter in _filters) filter.TryTake(message);
        return true;
    }

    /// <summary>Begins or ends a wait; handled after all that was published before.</summary>
    internal sealed record ChangeFilter(LogEventFilter Filter, bool Adds, TaskCompletionSource Done);
}
