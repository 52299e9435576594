namespace Qcow2Target.Scsi.Tests.Support;

/// <summary>A clock whose timers fire when a test says so.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly List<Timer> _timers = [];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(callback, state) { DueTime = dueTime };
        _timers.Add(timer);
        return timer;
    }

    /// <summary>Fires the timers that are due within <paramref name="elapsed"/>.</summary>
    public void Fire(TimeSpan elapsed)
    {
        foreach (Timer timer in _timers.Where(timer => timer.DueTime <= elapsed && timer.DueTime > TimeSpan.Zero))
            timer.Fire();
    }

    private sealed class Timer(TimerCallback callback, object? state) : ITimer
    {
        public TimeSpan DueTime { get; set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            DueTime = dueTime;
            return true;
        }

        public void Dispose() => DueTime = Timeout.InfiniteTimeSpan;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
