namespace Qcow2Target.ActorRuntime;

/// <summary>Something the scheduler will do; cancelling keeps it from being done again.</summary>
internal sealed class ScheduledAction
{
    private readonly ClockScheduler _scheduler;
    private volatile bool _cancelled;

    public ScheduledAction(ClockScheduler scheduler, TimeSpan due, TimeSpan interval, Action action)
    {
        _scheduler = scheduler;
        Due = due;
        Interval = interval;
        Action = action;
    }

    /// <summary>On the scheduler's monotonic clock.</summary>
    public TimeSpan Due { get; set; }

    /// <summary>Infinite: once.</summary>
    public TimeSpan Interval { get; }

    public Action Action { get; }

    public bool IsCancelled => _cancelled;

    public void Cancel()
    {
        if (_cancelled) return;
        _cancelled = true;
        _scheduler.OnCancelled();
    }
}
