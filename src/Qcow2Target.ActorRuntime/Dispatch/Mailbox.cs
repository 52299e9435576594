using System.Collections.Concurrent;

namespace Qcow2Target.ActorRuntime;

/// <summary>
/// The two queues of an actor and the flags that decide whether a thread runs them. Exactly one thread runs a mailbox at a time: who sets
/// <see cref="Scheduled"/> hands it to the executor, and that run clears it at its end.
/// </summary>
/// <remarks>
/// No message is missed: a producer takes its place in a queue (an interlocked operation, so a full fence) and then reads the flags; a run
/// clears <see cref="Scheduled"/> (full fence) and then looks at the queues, which count a place as soon as it is taken. One of the two sees the
/// other. All other flags are changed only by the run.
/// A closed mailbox still runs, to hand late messages to the dead letters.
/// </remarks>
internal sealed class Mailbox : IThreadPoolWorkItem
{
    private const int Scheduled = 1;
    private const int Closed = 2;
    private const int Suspended = 4;

    private readonly ActorCell _cell;
    private readonly IMailboxExecutor _executor;
    private readonly int _throughput;
    private readonly ConcurrentQueue<Envelope> _user = new();       // no allocation for a message unless many wait
    private readonly ConcurrentQueue<SystemMessage> _system = new();
    private readonly Stack<Envelope> _front = new();    // unstashed messages; touched by the run only
    private int _flags;
    private int _suspensions;                           // touched by the run only

    public Mailbox(ActorCell cell, IMailboxExecutor executor, int throughput)
    {
        _cell = cell;
        _executor = executor;
        _throughput = throughput;
    }

    /// <summary>A hint for other threads.</summary>
    public bool HasUserMessages => !_user.IsEmpty;

    public bool IsClosed => (Volatile.Read(ref _flags) & Closed) != 0;

    public void Enqueue(object message, IActorRef sender)
    {
        if (IsClosed)
        {
            _cell.System.ToDeadLetters(message, sender, _cell.Self);
            return;
        }

        _user.Enqueue(new Envelope(message, sender));
        if ((Volatile.Read(ref _flags) & (Scheduled | Suspended)) == 0) Schedule();
    }

    public void EnqueueSystem(SystemMessage message)
    {
        _system.Enqueue(message);
        if ((Volatile.Read(ref _flags) & Scheduled) == 0) Schedule();
    }

    /// <summary>Puts messages before all others, in their order. On the actor's turn only.</summary>
    public void Prepend(IReadOnlyList<Envelope> envelopes)
    {
        for (int i = envelopes.Count - 1; i >= 0; i--) _front.Push(envelopes[i]);
    }

    /// <summary>Holds user messages back until as many <see cref="Resume"/> came. On the actor's turn only.</summary>
    public void Suspend()
    {
        if (_suspensions++ == 0) Interlocked.Or(ref _flags, Suspended);
    }

    public void Resume()
    {
        if (_suspensions > 0 && --_suspensions == 0) Interlocked.And(ref _flags, ~Suspended);
    }

    /// <summary>From here on all goes to the dead letters, first what is queued. On the actor's turn only.</summary>
    public void Close()
    {
        Interlocked.Or(ref _flags, Closed);
        Interlocked.And(ref _flags, ~Suspended);
        DrainToDeadLetters();
    }

    /// <summary>One turn: system messages before each user message, at most as many of these as the throughput says.</summary>
    public void Execute()
    {
        ActorCell outer = ActorCell.Current;
        ActorCell.Current = _cell;
        try
        {
            RunSystemMessages();
            for (int left = _throughput; left > 0 && (_flags & (Suspended | Closed)) == 0 && TryDequeue(out Envelope envelope); left--)
            {
                _cell.Invoke(envelope.Message, envelope.Sender);
                RunSystemMessages();
            }

            if (IsClosed) DrainToDeadLetters();
        }
        finally
        {
            ActorCell.Current = outer;
            bool unstashed = _front.Count > 0;
            Interlocked.And(ref _flags, ~Scheduled);
            if (!_system.IsEmpty || ((Volatile.Read(ref _flags) & Suspended) == 0 && (unstashed || !_user.IsEmpty))) Schedule();
        }
    }

    private void Schedule()
    {
        if ((Interlocked.Or(ref _flags, Scheduled) & Scheduled) == 0) _executor.Execute(this);
    }

    private void RunSystemMessages()
    {
        while (_system.TryDequeue(out SystemMessage message))
        {
            if (IsClosed) _cell.RefuseSystemMessage(message);
            else _cell.Invoke(message);
        }
    }

    private bool TryDequeue(out Envelope envelope) => _front.TryPop(out envelope) || _user.TryDequeue(out envelope);

    private void DrainToDeadLetters()
    {
        RunSystemMessages();
        while (TryDequeue(out Envelope envelope)) _cell.System.ToDeadLetters(envelope.Message, envelope.Sender, _cell.Self);
    }
}
