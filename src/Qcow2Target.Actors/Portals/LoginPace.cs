using Qcow2Target.Actors.Peers;

namespace Qcow2Target.Actors.Portals;

/// <summary>
/// How many connections may come to a login of one portal: many at once after a pause, as when a farm gets its power back, and from then on so many a second. A login costs
/// actors, a thread and a session, and a flood of them must leave the processors to who has a session. Not thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class LoginPace(TimeProvider time)
{
    private readonly long _interval = time.TimestampFrequency / PeerLimits.LoginsPerSecond;
    private long _next = long.MinValue;

    /// <summary>True: one may come, and is counted.</summary>
    public bool TryTake()
    {
        var now = time.GetTimestamp();
        var next = Math.Max(_next, now - (PeerLimits.LoginsAtOnce - 1) * _interval);
        if (next > now)
            return false;
        _next = next + _interval;
        return true;
    }
}
