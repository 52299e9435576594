namespace Qcow2Target.ActorRuntime;

/// <summary>
/// One actor from its first to its last incarnation: its place in the tree, its mailbox, the message in work. Runs only on its own turn
/// (see <see cref="Mailbox"/>); what happens at the edges of its life is in <see cref="Lifecycle"/>.
/// </summary>
internal sealed class ActorCell : IUntypedActorContext
{
    [ThreadStatic]
    private static ActorCell _current;

    private readonly MessageDispatcher _dispatcher;
    private readonly IMailboxExecutor _executor;
    private readonly Lifecycle _lifecycle;
    private readonly DeathWatch _deathWatch;
    private readonly AsyncHandlers _asyncHandlers;
    private ReceiveTimeoutTimer _receiveTimeout;

    public ActorCell(LocalActorSystem system, Props props, InternalActorRef parent, string name)
    {
        System = system;
        Props = props;
        Parent = parent;
        _dispatcher = system.Dispatchers.Lookup(props.Dispatcher ?? Dispatchers.DefaultId);
        system.CheckMailbox(props.Mailbox);
        _executor = _dispatcher.Attach(name);
        Self = new LocalActorRef(this, parent.Path.Child(name, system.NextUid()));
        Mailbox = new Mailbox(this, _executor, _dispatcher.Throughput);
        _deathWatch = new DeathWatch(this);
        _asyncHandlers = new AsyncHandlers(this);
        _lifecycle = new Lifecycle(this);
    }

    /// <summary>The actor whose turn runs on this thread.</summary>
    public static ActorCell Current
    {
        get => _current;
        set => _current = value;
    }

    public LocalActorSystem System { get; }

    public Props Props { get; }

    public InternalActorRef Parent { get; }

    public LocalActorRef Self { get; }

    public Mailbox Mailbox { get; }

    public Children Children { get; } = new();

    public DeathWatch DeathWatch => _deathWatch;

    public AsyncHandlers AsyncHandlers => _asyncHandlers;

    /// <summary>The present incarnation; null before the first, and while a new one is being made.</summary>
    public ActorBase Actor { get; set; }

    public object CurrentMessage { get; set; }

    public IActorRef Sender { get; set; }

    /// <summary>Counts the messages handled, so that one message is told from the next.</summary>
    public long MessageNumber { get; private set; }

    public TimerScheduler ActorTimers { get; set; }

    public static IActorRef CurrentSelfOrNoSender() => _current?.Self;

    public static IActorRef CurrentSenderOrNoSender() => _current?.Sender;

    /// <summary>The actor of this turn.</summary>
    /// <exception cref="NotSupportedException">The calling code runs on no actor's turn.</exception>
    public static ActorCell Require() => _current ?? throw new NotSupportedException(
        "There is no active ActorContext, this is most likely due to use of async operations from within this actor.");

    /// <summary>Handles one user message. Never throws.</summary>
    public void Invoke(object message, IActorRef sender)
    {
        if (message is TimerMessage timer)
        {
            if (ActorTimers is null || !ActorTimers.TryTake(timer, out message)) return;
        }
        else if (message is Terminated terminated)
        {
            if (!_deathWatch.TryTake(terminated, out message)) return;
        }

        MessageNumber++;
        CurrentMessage = message;
        Sender = sender ?? System.DeadLetters;
        bool influences = _receiveTimeout is not null && message is not INotInfluenceReceiveTimeout;
        if (influences) _receiveTimeout.MessageBegins();
        try
        {
            if (message is IAutoReceivedMessage automatic) Receive(automatic);
            else Actor.AroundReceive(Actor.Behaviour, message);
        }
        catch (Exception e)
        {
            _lifecycle.Fail(e, perpetrator: null);
            return;
        }

        if (!_asyncHandlers.IsAwaiting) EndMessage();
    }

    /// <summary>For test refs: handles a message on this thread and lets out what the handler throws.</summary>
    internal void Handle(object message, IActorRef sender)
    {
        ActorCell outer = Current;
        Current = this;
        try
        {
            CurrentMessage = message;
            Sender = sender ?? System.DeadLetters;
            Actor.AroundReceive(Actor.Behaviour, message);
        }
        finally
        {
            EndMessage();
            Current = outer;
        }
    }

    /// <summary>Handles one system message. Never throws.</summary>
    public void Invoke(SystemMessage message)
    {
        try
        {
            switch (message)
            {
                case RunContinuation continuation:
                    continuation.Scheduler.Run(continuation.Task);
                    break;
                case HandlerCompleted completed:
                    Complete(completed.Task);
                    break;
                case Watch watch:
                    _deathWatch.AddWatcher(watch.Watcher);
                    break;
                case Unwatch unwatch:
                    _deathWatch.RemoveWatcher(unwatch.Watcher);
                    break;
                case DeathWatchNotification notification:
                    _deathWatch.OnStopped(notification);
                    break;
                default:
                    _lifecycle.Handle(message);
                    break;
            }

            _lifecycle.HandleDeferred();
        }
        catch (Exception e)
        {
            _lifecycle.Fail(e, perpetrator: null);
        }
    }

    /// <summary>A system message that came after the end.</summary>
    public void RefuseSystemMessage(SystemMessage message)
    {
        if (message is Watch watch) watch.Watcher.SendSystemMessage(new DeathWatchNotification(Self, existenceConfirmed: false));
    }

    /// <summary>The message in work is done: forgets it and starts to count idle time.</summary>
    public void EndMessage()
    {
        CurrentMessage = null;
        Sender = null;
        _receiveTimeout?.MessageEnds();
    }

    public void CancelReceiveTimeout() => _receiveTimeout?.Set(null);

    /// <summary>No thread will run this mailbox but for late messages.</summary>
    public void Detach() => _dispatcher.Detach(_executor);

    public IActorRef ActorOf(Props props, string name = null)
    {
        ArgumentNullException.ThrowIfNull(props);
        return Children.Add(this, props, name);
    }

    public ActorSelection ActorSelection(string actorPath) => new(Self, actorPath);

    public IActorRef Child(string name) => Children.Find(name) ?? (IActorRef)ActorRefs.Nobody;

    public IEnumerable<IActorRef> GetChildren() => Array.ConvertAll(Children.Snapshot(), stats => (IActorRef)stats.Child);

    public void Stop(IActorRef child)
    {
        InternalActorRef actor = InternalActorRef.Of(child);
        Children.MarkDying(actor);
        actor.Stop();
    }

    public IActorRef Watch(IActorRef subject)
    {
        _deathWatch.Watch(subject, message: null);
        return subject;
    }

    public IActorRef WatchWith(IActorRef subject, object message)
    {
        ArgumentNullException.ThrowIfNull(message);
        _deathWatch.Watch(subject, message);
        return subject;
    }

    public IActorRef Unwatch(IActorRef subject)
    {
        _deathWatch.Unwatch(subject);
        return subject;
    }

    public void SetReceiveTimeout(TimeSpan? timeout)
    {
        if (timeout is { } value && value <= TimeSpan.Zero) throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "must be positive");
        (_receiveTimeout ??= new ReceiveTimeoutTimer(this)).Set(timeout);
    }

    public void Become(Receive receive) => Actor.Become(receive, BehaviourChange.Replace);

    public void BecomeStacked(Receive receive) => Actor.Become(receive, BehaviourChange.Push);

    public void Become(UntypedReceive receive) => Become(receive.AsReceive());

    public void BecomeStacked(UntypedReceive receive) => BecomeStacked(receive.AsReceive());

    public void UnbecomeStacked() => Actor.Unbecome();

    IActorRef IActorContext.Self => Self;

    IActorRef IActorContext.Sender => Sender ?? System.DeadLetters;

    IActorRef IActorContext.Parent => Parent;

    ActorSystem IActorContext.System => System;

    TimeSpan? IActorContext.ReceiveTimeout => _receiveTimeout?.Timeout;

    MessageDispatcher IActorContext.Dispatcher => _dispatcher;

    private void Receive(IAutoReceivedMessage message)
    {
        switch (message)
        {
            case PoisonPill:
                Self.Stop();
                break;
            case Kill:
                throw new ActorKilledException("Kill");
            case Identify identify:
                Sender.Tell(new ActorIdentity(identify.MessageId, Self), Self);
                break;
        }
    }

    private void Complete(Task handling)
    {
        if (!_asyncHandlers.TryComplete(handling)) return;
        if (handling.IsCompletedSuccessfully) EndMessage();
        else handling.GetAwaiter().GetResult();     // throws: fails like a handler of the plain kind
    }
}
