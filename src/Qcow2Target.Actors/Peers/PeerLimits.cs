namespace Qcow2Target.Actors.Peers;

/// <summary>What peers that have no session, or misbehave in one, can cost. The limits of the log of them are here too.</summary>
public static class PeerLimits
{
    /// <summary>Connections that the kernel completes for a portal before they are accepted. The kernel has a limit of its own (net.core.somaxconn).</summary>
    public const int AcceptBacklog = 4096;

    /// <summary>Connections of one portal that have sent no whole header: a socket each.</summary>
    public const int SilentConnections = 1024;

    /// <summary>Connections of one portal that have begun to send a Login Request: an actor and a small buffer each. As many may come at once.</summary>
    public const int ArrivingLogins = LoginsAtOnce;

    /// <summary>Logins of one portal between their first request and their session.</summary>
    public const int Negotiations = LoginsAtOnce;

    /// <summary>Discovery sessions of one portal.</summary>
    public const int DiscoverySessions = 64;

    /// <summary>Logins of one portal that live: those above, and some that were told to go and have not gone yet. With more, connections wait at the door.</summary>
    public const int LoginsAlive = ArrivingLogins + Negotiations + DiscoverySessions + 64;

    /// <summary>Connections that may come to a login of one portal at once after a pause.</summary>
    public const int LoginsAtOnce = 512;

    private const int LoginsPerSecondAndProcessor = 100;

    /// <summary>Connections that may come to a login of one portal in a second where that goes on. More wait at the door.</summary>
    public static int LoginsPerSecond => LoginsPerSecondAndProcessor * Environment.ProcessorCount;

    /// <summary>Connections that are accepted before others of the same thread have their turn.</summary>
    public const int AcceptsAtOnce = 32;

    /// <summary>A login's receive buffer as it begins, when bytes have come; it grows with the PDU up to <see cref="Iscsi.IscsiLimits.LoginBufferBytes"/>.</summary>
    public const int FirstBufferBytes = 1 << 10;

    /// <summary>Peers of whom the log tells one by one within a window, for each kind of news.</summary>
    public const int LoggedPeers = 16;

    /// <summary>Kinds of news in a window; what comes beyond shares one.</summary>
    public const int LoggedKinds = 64;

    /// <summary>Lines of sessions that began or ended, for each peer within a window.</summary>
    public const int SessionLines = 64;

    /// <summary>Longest text of a peer's making in a line of the log, characters.</summary>
    public const int LoggedCharacters = 400;

    /// <summary>How long news of one kind from one peer are counted before the log tells of them again.</summary>
    public static readonly TimeSpan LogWindow = TimeSpan.FromSeconds(10);
}
