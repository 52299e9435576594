namespace Qcow2Target.ActorRuntime;

/// <summary>The stash of one incarnation.</summary>
internal sealed class Stash : IStash
{
    private readonly ActorCell _cell;
    private readonly LinkedList<Envelope> _messages = new();
    private long _lastStashed = -1;     // number of the message

    public Stash(ActorCell cell, int capacity)
    {
        _cell = cell;
        Capacity = capacity;
    }

    public int Count => _messages.Count;

    public int Capacity { get; }

    public bool IsEmpty => Count == 0;

    public bool NonEmpty => Count > 0;

    public bool IsFull => Capacity >= 0 && Count >= Capacity;

    void IStash.Stash()
    {
        object message = _cell.CurrentMessage ?? throw new IllegalActorStateException("There is no message in work to stash.");
        if (_lastStashed == _cell.MessageNumber)
            throw new IllegalActorStateException($"Can't stash the same message {message} more than once");
        if (IsFull) throw new StashOverflowException($"Couldn't enqueue message {message} from {_cell.Sender} to stash of {_cell.Self}: it holds {Capacity}.");
        _messages.AddLast(new Envelope(message, _cell.Sender));
        _lastStashed = _cell.MessageNumber;
    }

    public void Unstash()
    {
        if (_messages.First is not { } first) return;
        _messages.RemoveFirst();
        ToMailbox([first.Value]);
    }

    public void UnstashAll() => UnstashAll(_ => true);

    public void UnstashAll(Func<Envelope, bool> predicate)
    {
        if (IsEmpty) return;
        Envelope[] wanted = [.. _messages.Where(predicate)];
        _messages.Clear();
        ToMailbox(wanted);
    }

    public IEnumerable<Envelope> ClearStash()
    {
        Envelope[] all = [.. _messages];
        _messages.Clear();
        return all;
    }

    private void ToMailbox(Envelope[] envelopes)
    {
        foreach (Envelope envelope in envelopes)
            if (envelope.Message is Terminated terminated) _cell.DeathWatch.Requeue(terminated);
        _cell.Mailbox.Prepend(envelopes);
    }
}
