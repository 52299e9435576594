namespace Qcow2Target.ActorRuntime;

/// <summary>The timers of one incarnation. On the actor's turn only.</summary>
internal sealed class TimerScheduler : ITimerScheduler
{
    private readonly ActorCell _cell;
    private readonly Dictionary<object, TimerMessage> _timers = [];

    public TimerScheduler(ActorCell cell) => _cell = cell;

    public void StartSingleTimer(object key, object msg, TimeSpan timeout) => StartSingleTimer(key, msg, timeout, sender: null);

    public void StartSingleTimer(object key, object msg, TimeSpan timeout, IActorRef sender) =>
        Start(key, msg, TimerKind.Single, timeout, Timeout.InfiniteTimeSpan, sender);

    public void StartPeriodicTimer(object key, object msg, TimeSpan interval) => StartPeriodicTimer(key, msg, interval, interval, sender: null);

    public void StartPeriodicTimer(object key, object msg, TimeSpan interval, IActorRef sender) => StartPeriodicTimer(key, msg, interval, interval, sender);

    public void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval) =>
        StartPeriodicTimer(key, msg, initialDelay, interval, sender: null);

    public void StartPeriodicTimer(object key, object msg, TimeSpan initialDelay, TimeSpan interval, IActorRef sender)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        Start(key, msg, TimerKind.Periodic, initialDelay, interval, sender);
    }

    public bool IsTimerActive(object key) => _timers.ContainsKey(key);

    public void Cancel(object key)
    {
        if (_timers.Remove(key, out TimerMessage timer)) timer.Schedule.Cancel();
    }

    public void CancelAll()
    {
        foreach (TimerMessage timer in _timers.Values) timer.Schedule.Cancel();
        _timers.Clear();
    }

    /// <summary>The turn of a timer's message has come. False when the timer was cancelled, replaced or is an earlier incarnation's.</summary>
    public bool TryTake(TimerMessage timer, out object message)
    {
        message = timer.Message;
        if (!_timers.TryGetValue(timer.Key, out TimerMessage running) || running != timer) return false;
        if (timer.Kind == TimerKind.Single) _timers.Remove(timer.Key);
        return true;
    }

    private void Start(object key, object message, TimerKind kind, TimeSpan delay, TimeSpan interval, IActorRef sender)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(message);
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        Cancel(key);
        var timer = new TimerMessage(key, message, kind);
        _timers.Add(key, timer);
        timer.Schedule = _cell.System.Timers.Schedule(delay, interval, () => _cell.Self.Tell(timer, sender));
    }
}
