using System.Diagnostics;

namespace Qcow2Target.ActorRuntime;

/// <summary>
/// The scheduler of a system: one thread that sleeps until the next entry is due, so that timers keep their order and do not wait for a busy
/// thread pool. Entries are never early. After a pause of the machine a repeated entry fires once, not once for each missed turn.
/// </summary>
internal sealed class ClockScheduler : IScheduler, IAdvancedScheduler
{
    private readonly object _lock = new();
    private readonly PriorityQueue<ScheduledAction, (TimeSpan Due, long Number)> _queue = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly Action<Exception> _onFailure;
    private long _number;
    private int _cancelled;     // about how many entries of the queue are dead weight
    private bool _stopped;
    private Thread _thread;

    public ClockScheduler(Action<Exception> onFailure) => _onFailure = onFailure;

    public IAdvancedScheduler Advanced => this;

    public DateTimeOffset Now => DateTimeOffset.UtcNow;

    public TimeSpan MonotonicClock => Stopwatch.GetElapsedTime(_start);

    /// <summary>Runs a short action on the scheduler's thread, after the delay and then at each interval unless that is infinite.</summary>
    public ScheduledAction Schedule(TimeSpan delay, TimeSpan interval, Action action)
    {
        var entry = new ScheduledAction(this, MonotonicClock + delay, interval, action);
        lock (_lock)
        {
            if (_stopped) return entry;
            Enqueue(entry);
            if (_thread is null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "akka-scheduler" };
                _thread.UnsafeStart();
            }
            else if (ReferenceEquals(_queue.Peek(), entry))
            {
                Monitor.Pulse(_lock);
            }
        }

        return entry;
    }

    public void OnCancelled()
    {
        lock (_lock)
        {
            if (++_cancelled < 64 || _cancelled < _queue.Count / 2) return;
            (ScheduledAction Element, (TimeSpan, long) Priority)[] alive = [.. _queue.UnorderedItems.Where(item => !item.Element.IsCancelled)];
            _queue.Clear();
            _queue.EnqueueRange(alive);
            _cancelled = 0;
        }
    }

    public void Stop()
    {
        lock (_lock)
        {
            _stopped = true;
            _queue.Clear();
            Monitor.Pulse(_lock);
        }
    }

    public void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender) =>
        ScheduleTellOnce(delay, receiver, message, sender, cancelable: null);

    public void ScheduleTellOnce(TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable)
    {
        ArgumentNullException.ThrowIfNull(message);
        ScheduleUnlessCancelled(delay, Timeout.InfiniteTimeSpan, () => receiver.Tell(message, sender), cancelable);
    }

    public void ScheduleTellRepeatedly(TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender) =>
        ScheduleTellRepeatedly(initialDelay, interval, receiver, message, sender, cancelable: null);

    public void ScheduleTellRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        ScheduleUnlessCancelled(initialDelay, interval, () => receiver.Tell(message, sender), cancelable);
    }

    public void ScheduleOnce(TimeSpan delay, Action action) => ScheduleOnce(delay, action, cancelable: null);

    public void ScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable)
    {
        ArgumentNullException.ThrowIfNull(action);
        // A stranger's action may take its time: not on this thread.
        ScheduleUnlessCancelled(delay, Timeout.InfiniteTimeSpan, () => ThreadPool.UnsafeQueueUserWorkItem(_ => RunGuarded(action), null), cancelable);
    }

    private void ScheduleUnlessCancelled(TimeSpan delay, TimeSpan interval, Action action, ICancelable cancelable)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        if (cancelable is null)
        {
            Schedule(delay, interval, action);
            return;
        }

        if (cancelable.IsCancellationRequested) return;
        ScheduledAction entry = Schedule(delay, interval, () =>
        {
            if (!cancelable.IsCancellationRequested) action();
        });
        cancelable.Token.Register(entry.Cancel);
    }

    private void Enqueue(ScheduledAction entry) => _queue.Enqueue(entry, (entry.Due, _number++));

    private void Run()
    {
        while (TryAwaitNext(out ScheduledAction entry))
        {
            if (entry.IsCancelled) continue;
            RunGuarded(entry.Action);
            if (entry.Interval == Timeout.InfiniteTimeSpan) continue;
            TimeSpan now = MonotonicClock, next = entry.Due + entry.Interval;
            entry.Due = next > now - entry.Interval ? next : now;
            lock (_lock)
            {
                if (!_stopped && !entry.IsCancelled) Enqueue(entry);
            }
        }
    }

    private bool TryAwaitNext(out ScheduledAction entry)
    {
        lock (_lock)
        {
            while (!_stopped)
            {
                if (!_queue.TryPeek(out entry, out _))
                {
                    Monitor.Wait(_lock);
                    continue;
                }

                TimeSpan left = entry.Due - MonotonicClock;
                if (left <= TimeSpan.Zero)
                {
                    _queue.Dequeue();
                    return true;
                }

                Monitor.Wait(_lock, (int)Math.Min(Math.Ceiling(left.TotalMilliseconds), int.MaxValue));
            }
        }

        entry = null;
        return false;
    }

    private void RunGuarded(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            _onFailure(e);
        }
    }
}
