namespace Qcow2Target.Actors.Portals;

/// <summary>How far a connection has come that has no session. Each has room of its own on a portal (<see cref="PendingLogins{T}"/>).</summary>
internal enum LoginProgress
{
    /// <summary>A header has come, but no whole Login Request.</summary>
    Arriving,

    /// <summary>A Login Request was answered, or is with its target.</summary>
    Negotiating,

    /// <summary>A discovery session.</summary>
    Discovering,
}

/// <summary>From a login to its portal: it has come so far.</summary>
internal sealed record LoginAdvanced(LoginProgress Progress);

/// <summary>From a portal to a login: it ends for the sake of another.</summary>
internal sealed record MakeRoom
{
    public static readonly MakeRoom Instance = new();
}
