namespace Qcow2Target.ActorTestKit;

/// <summary>Which events a test waits for, and how many of them came.</summary>
internal sealed class LogEventFilter
{
    private readonly Predicate<object> _matches;
    private int _count;

    public LogEventFilter(Predicate<object> matches) => _matches = matches;

    public int Count => Volatile.Read(ref _count);

    public bool TryTake(object published)
    {
        if (!_matches(published)) return false;
        Interlocked.Increment(ref _count);
        return true;
    }
}
