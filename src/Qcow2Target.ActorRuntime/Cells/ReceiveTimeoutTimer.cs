namespace Qcow2Target.ActorRuntime;

/// <summary>
/// Tells the actor <see cref="ReceiveTimeout"/> after a time without messages. One scheduled look at the clock at a time, not one for each
/// message: a look that comes too early is repeated when the time is up.
/// </summary>
internal sealed class ReceiveTimeoutTimer
{
    private readonly Lock _lock = new();
    private readonly ActorCell _cell;
    private TimeSpan? _timeout;
    private TimeSpan? _idleSince;       // null while a message is in work, or the timeout is in the mailbox
    private ScheduledAction _look;

    public ReceiveTimeoutTimer(ActorCell cell) => _cell = cell;

    public TimeSpan? Timeout
    {
        get
        {
            lock (_lock) return _timeout;
        }
    }

    public void Set(TimeSpan? timeout)
    {
        lock (_lock)
        {
            _timeout = timeout;
            _idleSince = null;
            _look?.Cancel();
            _look = null;
        }
    }

    public void MessageBegins()
    {
        lock (_lock) _idleSince = null;
    }

    public void MessageEnds()
    {
        lock (_lock)
        {
            if (_timeout is not { } timeout) return;
            _idleSince = _cell.System.Timers.MonotonicClock;
            _look ??= _cell.System.Timers.Schedule(timeout, System.Threading.Timeout.InfiniteTimeSpan, Look);
        }
    }

    private void Look()
    {
        lock (_lock)
        {
            _look = null;
            if (_timeout is not { } timeout || _idleSince is not { } since) return;
            TimeSpan left = since + timeout - _cell.System.Timers.MonotonicClock;
            if (_cell.Mailbox.HasUserMessages) left = timeout;      // something has arrived; its turn is only late
            if (left > TimeSpan.Zero)
            {
                _look = _cell.System.Timers.Schedule(left, System.Threading.Timeout.InfiniteTimeSpan, Look);
                return;
            }

            _idleSince = null;
        }

        _cell.Self.Tell(ReceiveTimeout.Instance, _cell.Self);
    }
}
