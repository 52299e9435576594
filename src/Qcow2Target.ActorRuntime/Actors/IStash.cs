namespace Qcow2Target.ActorRuntime;

/// <summary>Messages put aside. They come back to the front of the mailbox, in order, with their senders.</summary>
public interface IStash
{
    /// <exception cref="IllegalActorStateException">The message in work is stashed already.</exception>
    /// <exception cref="StashOverflowException">The stash is full.</exception>
    void Stash();

    /// <summary>Brings back the oldest message.</summary>
    void Unstash();

    void UnstashAll();

    /// <summary>Brings back what the predicate takes; the rest is forgotten.</summary>
    void UnstashAll(Func<Envelope, bool> predicate);

    IEnumerable<Envelope> ClearStash();

    int Count { get; }

    /// <summary>-1 when unbounded.</summary>
    int Capacity { get; }

    bool IsEmpty { get; }

    bool NonEmpty { get; }

    bool IsFull { get; }
}
