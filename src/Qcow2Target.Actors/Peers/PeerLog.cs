using System.Net;

namespace Qcow2Target.Actors.Peers;

/// <summary>
/// What the log says of peers, bounded whatever they do: the first line of a kind and a peer at once, then one line for each kind and window with the number
/// of what was left out. Kinds do not share a budget, so a flood of one never hides the first line of another. Any thread.
/// </summary>
/// <param name="log">Where the lines go.</param>
/// <param name="time">The clock of the windows; <see cref="Tell"/> is called by whoever has a timer.</param>
public sealed class PeerLog(ILoggingAdapter log, TimeProvider time)
{
    private const string OtherKinds = "more kinds of news";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Kind> _kinds = [];

    /// <summary>A peer that was refused or cut off: one line at once for each peer of the kind.</summary>
    /// <param name="kind">What became of it, as it follows a subject: one of a fixed set of texts, never of a peer's making.</param>
    /// <param name="peer">Address and port.</param>
    /// <param name="reason">Why; cut and made printable here.</param>
    public void Refused(string kind, IPEndPoint peer, string reason) => Note(kind, peer, reason, linesAtOnce: 1, Weight.Warning);

    /// <summary>A session that began or ended as it should: some lines at once for each peer, because a farm's are wanted one by one.</summary>
    /// <inheritdoc cref="Refused"/>
    public void Session(string kind, IPEndPoint peer, string particulars) => Note(kind, peer, particulars, PeerLimits.SessionLines, Weight.Info);

    /// <summary>Ends the windows that are over, with a line for what was left out of each. What went on within it stays known: no first line again.</summary>
    public void Tell() => Close(kind => time.GetElapsedTime(kind.Began) >= PeerLimits.LogWindow);

    /// <summary>Tells of all that is left.</summary>
    public void TellAll() => Close(_ => true);

    private void Note(string kindName, IPEndPoint peer, string particulars, int linesAtOnce, Weight weight)
    {
        lock (_gate)
        {
            if (!_kinds.TryGetValue(kindName, out var kind))
            {
                if (_kinds.Count >= PeerLimits.LoggedKinds)
                    kindName = OtherKinds;
                if (!_kinds.TryGetValue(kindName, out kind))
                    _kinds[kindName] = kind = new Kind(time.GetTimestamp(), weight);
            }
            if (!kind.Count(PeerGroup.Of(peer.Address), linesAtOnce))
                return;
        }
        if (weight == Weight.Warning)
            log.Warning("{Peer} {Kind:l}: {Reason:l}", peer.ToString(), kindName, Printable(particulars));
        else
            log.Info("{Peer} {Kind:l}: {Particulars:l}", peer.ToString(), kindName, Printable(particulars));
    }

    private void Close(Func<Kind, bool> isOver)
    {
        List<(string Name, Kind Kind, long LeftOut, string Peers)> told = [];
        lock (_gate)
        {
            foreach (var (name, kind) in _kinds.Where(k => isOver(k.Value)).ToArray())
            {
                if (kind.LeftOut > 0)
                    told.Add((name, kind, kind.LeftOut, kind.DescribePeers()));
                if (!kind.BeginAgain(time.GetTimestamp()))
                    _kinds.Remove(name);
            }
        }
        foreach (var (name, kind, leftOut, peers) in told)
        {
            if (kind.Weight == Weight.Warning)
                log.Warning("and {Count} more from {Peers:l} {Kind:l}", leftOut, peers, name);
            else
                log.Info("and {Count} more from {Peers:l} {Kind:l}", leftOut, peers, name);
        }
    }

    /// <summary>One line whatever a peer has put into a name or a key.</summary>
    private static string Printable(string text)
    {
        var cut = text.Length > PeerLimits.LoggedCharacters ? string.Concat(text.AsSpan(0, PeerLimits.LoggedCharacters), "…") : text;
        return cut.AsSpan().ContainsAnyInRange('\0', '\x1f') || cut.AsSpan().ContainsAnyInRange('\x7f', '\x9f')
            ? string.Concat(cut.Select(c => char.IsControl(c) ? '?' : c))
            : cut;
    }

    private enum Weight
    {
        Info,
        Warning,
    }

    /// <summary>One kind within its window.</summary>
    private sealed class Kind(long began, Weight weight)
    {
        private readonly Dictionary<PeerGroup, Tally> _peers = [];
        private bool _hasMorePeers;

        public long Began { get; private set; } = began;

        public Weight Weight => weight;

        public long LeftOut { get; private set; }

        /// <returns>True: tell of it now.</returns>
        public bool Count(PeerGroup peer, int linesAtOnce)
        {
            if (!_peers.TryGetValue(peer, out var tally))
            {
                if (_peers.Count >= PeerLimits.LoggedPeers)
                {
                    _hasMorePeers = true;
                    LeftOut++;
                    return false;
                }
                _peers[peer] = tally = new Tally();
            }
            if (tally.Lines < linesAtOnce)
            {
                tally.Lines++;
                return true;
            }
            LeftOut++;
            tally.LeftOut++;
            return false;
        }

        public string DescribePeers()
        {
            var peers = _peers.Values.Count(t => t.LeftOut > 0);
            return _hasMorePeers ? $"more than {PeerLimits.LoggedPeers} addresses" : peers == 1 ? "one address" : $"{peers} addresses";
        }

        /// <summary>Who has been left out goes on being counted; who was quiet since is forgotten, and has a first line again.</summary>
        /// <returns>False: nothing is left to know.</returns>
        public bool BeginAgain(long now)
        {
            foreach (var (quiet, _) in _peers.Where(p => p.Value.LeftOut == 0).ToArray())
                _peers.Remove(quiet);
            foreach (var tally in _peers.Values)
                tally.LeftOut = 0;
            _hasMorePeers = false;
            LeftOut = 0;
            Began = now;
            return _peers.Count > 0;
        }
    }

    private sealed class Tally
    {
        public int Lines { get; set; }

        public long LeftOut { get; set; }
    }
}
