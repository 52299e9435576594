using Qcow2Target.Actors.Sessions;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Actors.Targets;

/// <summary>What a target says to a login (RFC 7143 clause 6.3.5).</summary>
internal abstract record Admission
{
    private Admission()
    {
    }

    public sealed record Fresh : Admission;

    /// <summary>The same initiator port comes again: its old session ends first.</summary>
    public sealed record Reinstates(NexusEntry Old) : Admission;

    public sealed record Turned(byte StatusClass, byte StatusDetail, string Reason) : Admission;
}

/// <summary>The sessions of one target, and the logins that were let in and have not become one yet. Belongs to the target's actor.</summary>
internal sealed class NexusTable
{
    private const int RememberedPorts = 4096;

    private readonly Dictionary<ushort, NexusEntry> _sessions = [];
    private readonly Dictionary<IActorRef, AdmittedLogin> _admitted = [];
    private readonly Dictionary<ushort, object> _waiters = [];
    private readonly HashSet<ushort> _unresponsive = [];
    private readonly HashSet<string> _seen = new(StringComparer.OrdinalIgnoreCase);
    private UnitAttention _startAttention = UnitAttention.PowerOn;
    private ushort _lastTsih;
    private long _generation;

    public IEnumerable<NexusEntry> All => _sessions.Values;

    public int Count => _sessions.Count;

    /// <summary>A login that was let in counts from then on: its initiator is told so before it is a session.</summary>
    public bool HasConnections => _sessions.Count + _admitted.Count > 0;

    public NexusEntry? Find(ushort tsih) => _sessions.GetValueOrDefault(tsih);

    public Admission Judge(LoginIdentity identity)
    {
        var old = _sessions.Values.FirstOrDefault(s => s.Identity.IsSamePort(identity));
        if (identity.Tsih == 0)
        {
            if (old is not null)
                return new Admission.Reinstates(old);
            return _sessions.Count + _admitted.Count < ActorLimits.SessionsOfTarget
                ? new Admission.Fresh()
                : new Admission.Turned(3, 2, $"the target has {ActorLimits.SessionsOfTarget} sessions already (limit SessionsOfTarget)");
        }
        if (old is null || old.Tsih != identity.Tsih)
            return new Admission.Turned(2, 0x0A, $"there is no session with TSIH 0x{identity.Tsih:x4} of this initiator port");
        return old.Identity.ConnectionId == identity.ConnectionId
            ? new Admission.Reinstates(old)
            : new Admission.Turned(2, 6, "the session has its one connection already (MaxConnections 1)");
    }

    /// <summary>A handle that no session and no login in progress has; 0 is none (RFC 7143 clause 11.12.6).</summary>
    public ushort NextTsih()
    {
        do
        {
            _lastTsih++;
        }
        while (_lastTsih == 0 || _sessions.ContainsKey(_lastTsih) || _admitted.Values.Any(a => a.Tsih == _lastTsih));
        return _lastTsih;
    }

    public string ActorName(ushort tsih) => $"session-{tsih}-{++_generation}";

    /// <summary>Lets a login in. An earlier one of the same port that is no session yet is let in no more: one port has one nexus.</summary>
    public void Admit(IActorRef login, LoginIdentity identity, ushort tsih)
    {
        foreach (var (other, admitted) in _admitted.ToArray())
        {
            if (admitted.Identity.IsSamePort(identity))
                _admitted.Remove(other);
        }
        _admitted[login] = new AdmittedLogin(identity, tsih);
    }

    /// <summary>False: this login was not let in, or not under this handle.</summary>
    public bool TakeAdmission(IActorRef login, ushort tsih) => _admitted.Remove(login, out var admitted) && admitted.Tsih == tsih;

    public void ForgetAdmission(IActorRef login) => _admitted.Remove(login);

    /// <summary>Logins that were let in do not become sessions any more.</summary>
    public void ForgetAdmissions() => _admitted.Clear();

    /// <summary>The target was reset as by switching it off: every initiator port is new to it.</summary>
    public void StartAnew()
    {
        _seen.Clear();
        _startAttention = UnitAttention.PowerOnOccurred;
    }

    /// <summary>What a nexus is told first: how the target started, or that the nexus was lost since and is back.</summary>
    public UnitAttention FirstAttention(LoginIdentity identity)
    {
        // Initiators that choose a new ISID each time would fill the memory of months; to forget costs a power-on attention.
        if (_seen.Count >= RememberedPorts)
            _seen.Clear();
        return _seen.Add($"{identity.Initiator}\n{identity.InitiatorSessionId:x}") ? _startAttention : UnitAttention.NexusLoss;
    }

    public void Add(ushort tsih, LoginIdentity identity, IActorRef actor, SessionIo io) =>
        _sessions.Add(tsih, new NexusEntry(tsih, identity, actor, io));

    public NexusEntry? Remove(ushort tsih)
    {
        _unresponsive.Remove(tsih);
        return _sessions.Remove(tsih, out var entry) ? entry : null;
    }

    /// <summary>Notes whether the session's initiator answers.</summary>
    public void Set(ushort tsih, Responsiveness responsiveness)
    {
        if (responsiveness == Responsiveness.Unresponsive && _sessions.ContainsKey(tsih))
            _unresponsive.Add(tsih);
        else
            _unresponsive.Remove(tsih);
    }

    /// <summary>Keeps a message until the session has gone: one, for whoever waits for it wants the same place.</summary>
    /// <returns>What was kept before, which will not come any more; null: nothing.</returns>
    public object? Await(ushort tsih, object message)
    {
        _waiters.Remove(tsih, out var displaced);
        _waiters[tsih] = message;
        return displaced;
    }

    public object? TakeWaiter(ushort tsih) => _waiters.Remove(tsih, out var waiter) ? waiter : null;

    /// <summary>What was kept for any session.</summary>
    public IReadOnlyList<object> TakeWaiters()
    {
        object[] all = [.. _waiters.Values];
        _waiters.Clear();
        return all;
    }

    /// <summary>In order of handle. Made anew three times for each login: what does not change about a nexus is put into words once.</summary>
    /// <param name="portalGroupTag">Tag of the one portal group.</param>
    public IReadOnlyList<NexusView> View(ushort portalGroupTag)
    {
        var handles = new ushort[_sessions.Count + _admitted.Count];
        var views = new NexusView[handles.Length];
        var count = 0;
        foreach (var session in _sessions.Values)
            Put(session.Tsih, session.Identity, session.Peer, session.Io.Since);
        foreach (var login in _admitted.Values)
            Put(login.Tsih, login.Identity, login.Peer, login.Since);
        Array.Sort(handles, views);
        return views;

        void Put(ushort tsih, LoginIdentity identity, string peer, DateTimeOffset since)
        {
            handles[count] = tsih;
            views[count++] = new NexusView(identity.Initiator, identity.InitiatorSessionId, portalGroupTag, peer, since,
                _unresponsive.Contains(tsih) ? Responsiveness.Unresponsive : Responsiveness.Responsive);
        }
    }

    private sealed record AdmittedLogin(LoginIdentity Identity, ushort Tsih)
    {
        public string Peer { get; } = Identity.Peer.ToString();

        public DateTimeOffset Since { get; } = DateTimeOffset.UtcNow;
    }
}

/// <summary>One session of a target.</summary>
internal sealed record NexusEntry(ushort Tsih, LoginIdentity Identity, IActorRef Actor, SessionIo Io)
{
    /// <summary>Address and port of the initiator.</summary>
    public string Peer { get; } = Identity.Peer.ToString();
}
