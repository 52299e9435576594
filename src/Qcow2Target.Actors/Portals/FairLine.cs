using Qcow2Target.Actors.Peers;

namespace Qcow2Target.Actors.Portals;

/// <summary>Who waits for a turn: one of each address after the other, and of one address the first first.</summary>
/// <typeparam name="T">What stands for who waits; each at most once.</typeparam>
internal sealed class FairLine<T> where T : class
{
    private readonly Dictionary<T, Place> _all = [];
    private readonly Dictionary<PeerGroup, Line> _bySource = [];
    private readonly LinkedList<Line> _turns = [];

    public int Count => _all.Count;

    public bool Contains(T waiting) => _all.ContainsKey(waiting);

    public void Add(T waiting, PeerGroup source)
    {
        if (!_bySource.TryGetValue(source, out var line))
        {
            _bySource[source] = line = new Line(source);
            _turns.AddLast(line.Turn);
        }
        _all.Add(waiting, new Place(line, line.Members.AddLast(waiting)));
    }

    /// <summary>Nothing happens where it does not wait here.</summary>
    public void Remove(T waiting)
    {
        if (!_all.Remove(waiting, out var place))
            return;
        place.Line.Members.Remove(place.Node);
        if (place.Line.Members.Count > 0)
            return;
        _turns.Remove(place.Line.Turn);
        _bySource.Remove(place.Line.Source);
    }

    /// <summary>Whose turn it is, who waits no more then; null: nobody waits.</summary>
    public T? Take()
    {
        if (_turns.First is not { } turn)
            return null;
        var first = turn.Value.Members.First!.Value;
        _turns.Remove(turn);
        _turns.AddLast(turn);
        Remove(first);
        return first;
    }

    private readonly record struct Place(Line Line, LinkedListNode<T> Node);

    private sealed class Line
    {
        public Line(PeerGroup source)
        {
            Source = source;
            Turn = new LinkedListNode<Line>(this);
        }

        public PeerGroup Source { get; }

        public LinkedList<T> Members { get; } = [];

        public LinkedListNode<Line> Turn { get; }
    }
}
