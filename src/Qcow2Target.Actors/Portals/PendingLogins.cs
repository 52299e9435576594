using Qcow2Target.Actors.Peers;

namespace Qcow2Target.Actors.Portals;

/// <summary>
/// The connections of a portal that have no session yet. Whoever comes is let in: where the room of its progress is full, the oldest of the address that has
/// most in it has to go; of several such addresses, the oldest of them all. So a login that goes on as logins do comes through while others hold as many connections as they like, from its own address too: it
/// only has to be done with a stage before that stage's room has been filled once over.
/// </summary>
/// <typeparam name="T">What stands for a login.</typeparam>
internal sealed class PendingLogins<T> where T : class
{
    private readonly Dictionary<T, Entry> _all = [];
    private readonly Dictionary<LoginProgress, Room> _rooms;
    private long _placed;

    /// <param name="limits">How many may be in each stage at once, at least 1.</param>
    public PendingLogins(Func<LoginProgress, int> limits) =>
        _rooms = Enum.GetValues<LoginProgress>().ToDictionary(progress => progress, progress => new Room(limits(progress)));

    public int Count => _all.Count;

    public IEnumerable<T> All => _all.Keys;

    public int CountOf(LoginProgress progress) => _rooms[progress].Count;

    /// <summary>A connection that was just accepted.</summary>
    /// <returns>Who has to go for it, forgotten here already; null: nobody.</returns>
    public T? Enter(T login, PeerGroup source)
    {
        var entry = new Entry(login, source);
        _all.Add(login, entry);
        return Place(entry, LoginProgress.Arriving);
    }

    /// <summary>A login has come further. One that is not known here has been told to go already.</summary>
    /// <inheritdoc cref="Enter" path="/returns"/>
    public T? Advance(T login, LoginProgress progress)
    {
        if (!_all.TryGetValue(login, out var entry) || entry.Progress == progress)
            return null;
        _rooms[entry.Progress].Remove(entry);
        return Place(entry, progress);
    }

    public void Leave(T login)
    {
        if (_all.Remove(login, out var entry))
            _rooms[entry.Progress].Remove(entry);
    }

    /// <summary>Who has to go where the daemon is short of something: one of the least advanced.</summary>
    /// <returns>Forgotten here already; null: there is none.</returns>
    public T? TakeLeastAdvanced()
    {
        foreach (var progress in Enum.GetValues<LoginProgress>())
        {
            if (_rooms[progress].Count > 0)
                return Evict(_rooms[progress]);
        }
        return null;
    }

    private T? Place(Entry entry, LoginProgress progress)
    {
        var room = _rooms[progress];
        var gone = room.IsFull ? Evict(room) : null;
        entry.Progress = progress;
        entry.Number = ++_placed;
        room.Add(entry);
        return gone;
    }

    private T Evict(Room room)
    {
        var entry = room.OldestOfMost();
        Leave(entry.Login);
        return entry.Login;
    }

    private sealed class Entry(T login, PeerGroup source)
    {
        public T Login => login;

        public PeerGroup Source => source;

        public LoginProgress Progress { get; set; }

        /// <summary>Grows with the time at which it came into its room.</summary>
        public long Number { get; set; }

        public LinkedListNode<Entry>? Place { get; set; }
    }

    private sealed class Room(int limit)
    {
        private readonly Dictionary<PeerGroup, LinkedList<Entry>> _bySource = [];

        public int Count { get; private set; }

        public bool IsFull => Count >= limit;

        public void Add(Entry entry)
        {
            if (!_bySource.TryGetValue(entry.Source, out var line))
                _bySource[entry.Source] = line = new LinkedList<Entry>();
            entry.Place = line.AddLast(entry);
            Count++;
        }

        public void Remove(Entry entry)
        {
            var line = entry.Place!.List!;
            line.Remove(entry.Place);
            if (line.Count == 0)
                _bySource.Remove(entry.Source);
            Count--;
        }

        public Entry OldestOfMost() => _bySource.Values.MaxBy(line => (line.Count, -line.First!.Value.Number))!.First!.Value;
    }
}
