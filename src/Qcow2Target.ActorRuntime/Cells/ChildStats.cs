namespace Qcow2Target.ActorRuntime;

/// <summary>A child and how often it was restarted.</summary>
internal sealed class ChildStats(InternalActorRef child)
{
    private int _restarts;
    private long _windowStart = -1;     // ms

    public InternalActorRef Child { get; } = child;

    /// <summary>Counts a restart and says whether it is within the limits.</summary>
    /// <param name="maxRetries">None allowed when 0; no limit when negative, or 1 for each window if there is one.</param>
    /// <param name="windowMilliseconds">No window unless positive.</param>
    public bool RequestRestart(int maxRetries, int windowMilliseconds)
    {
        if (maxRetries == 0) return false;
        if (windowMilliseconds <= 0) return maxRetries < 0 || ++_restarts <= maxRetries;

        int limit = maxRetries < 0 ? 1 : maxRetries;
        long now = Environment.TickCount64;
        if (_windowStart < 0) _windowStart = now;
        if (now - _windowStart <= windowMilliseconds) return ++_restarts <= limit;
        _windowStart = now;
        _restarts = 1;
        return true;
    }
}
