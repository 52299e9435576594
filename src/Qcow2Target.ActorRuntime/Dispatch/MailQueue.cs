namespace Qcow2Target.ActorRuntime;

/// <summary>
/// Unbounded FIFO queue for many producers and one consumer, without locks: a linked list whose last node producers swap. A tell costs one
/// node and one interlocked exchange. <see cref="HasMessages"/> sees a message as soon as its node is swapped in, before it is linked, so
/// that a consumer that went to sleep in between is not missed (see <see cref="Mailbox"/>).
/// </summary>
internal sealed class MailQueue
{
    private Node _last;     // producers'
    private Node _read;     // consumer's: the node before the next message

    public MailQueue() => _last = _read = new Node();

    /// <summary>Exact on the consumer's turn; a hint for others.</summary>
    public bool HasMessages => Volatile.Read(ref _read) != Volatile.Read(ref _last);

    public void Enqueue(object message, IActorRef sender)
    {
        var node = new Node { Message = message, Sender = sender };
        Node before = Interlocked.Exchange(ref _last, node);    // a full fence: what follows in the producer cannot pass it
        Volatile.Write(ref before.Next, node);
    }

    /// <summary>For the consumer only.</summary>
    public bool TryDequeue(out object message, out IActorRef sender)
    {
        Node read = _read;
        Node next = Volatile.Read(ref read.Next);
        if (next is null)
        {
            if (read == Volatile.Read(ref _last))
            {
                message = null;
                sender = null;
                return false;
            }

            // A producer stands between its two instructions.
            var spin = default(SpinWait);
            while ((next = Volatile.Read(ref read.Next)) is null) spin.SpinOnce();
        }

        message = next.Message;
        sender = next.Sender;
        next.Message = null;
        next.Sender = null;
        read.Next = null;       // else an old node would keep all younger ones alive until the next full collection
        Volatile.Write(ref _read, next);
        return true;
    }

    private sealed class Node
    {
        public Node Next;
        public object Message;
        public IActorRef Sender;
    }
}
