namespace Qcow2Target.ActorRuntime;

/// <summary>
/// Base of all actors. Made by the runtime from <see cref="Props"/>, never with <c>new</c>. Constructor, hooks and handlers run one at a time.
/// </summary>
public abstract class ActorBase
{
    [ThreadStatic]
    private static ActorCell _constructing;

    private readonly Receive _initial;
    private readonly Stack<Receive> _behaviours = new();    // empty: the initial one
    private SupervisorStrategy _strategy;

    protected ActorBase()
    {
        ActorCell cell = _constructing ?? throw new ActorInitializationException(
            $"You cannot create an instance of [{GetType()}] explicitly using the constructor (new). Use ActorOf with Props.");
        _constructing = null;       // an actor made by this one's constructor is refused
        _initial = Receive;
        cell.Actor = this;          // Become works in the constructor
        if (this is not IWithTimers timed) return;
        cell.ActorTimers = new TimerScheduler(cell);
        timed.Timers = cell.ActorTimers;
    }

    protected static IActorContext Context => ActorCell.Require();

    protected IActorRef Self => ActorCell.Require().Self;

    /// <summary>Who sent the message in work; dead letters when nobody did.</summary>
    protected IActorRef Sender => ((IActorContext)ActorCell.Require()).Sender;

    internal Receive Behaviour => _behaviours.TryPeek(out Receive top) ? top : _initial;

    internal SupervisorStrategy Strategy => _strategy ??= SupervisorStrategy();

    /// <summary>Builds the actor of the cell whose turn it is. What the constructor throws comes out unwrapped.</summary>
    internal static ActorBase Construct(ActorCell cell)
    {
        cell.Actor = null;
        _constructing = cell;
        try
        {
            ActorBase actor = cell.Props.NewActor();
            actor.OnConstructed();
            return actor;
        }
        catch
        {
            cell.ActorTimers?.CancelAll();
            cell.ActorTimers = null;
            cell.Actor = null;      // a half-built instance gets no hooks
            throw;
        }
        finally
        {
            _constructing = null;
        }
    }

    /// <summary>The constructors are done.</summary>
    internal virtual void OnConstructed()
    {
    }

    internal void Become(Receive receive, BehaviourChange change)
    {
        ArgumentNullException.ThrowIfNull(receive);
        if (change == BehaviourChange.Replace) _behaviours.TryPop(out _);
        _behaviours.Push(receive);
    }

    internal void Unbecome() => _behaviours.TryPop(out _);

    internal void AroundPreStart() => PreStart();

    internal void AroundPostStop() => PostStop();

    internal void AroundPreRestart(Exception reason, object message) => PreRestart(reason, message);

    internal void AroundPostRestart(Exception reason, object message) => PostRestart(reason);

    /// <summary>Handles a message with the behaviour given; what that does not handle goes to <see cref="Unhandled"/>.</summary>
    protected internal virtual bool AroundReceive(Receive receive, object message)
    {
        bool handled = receive(message);
        if (!handled) Unhandled(message);
        return handled;
    }

    protected abstract bool Receive(object message);

    protected void Become(Receive receive) => Become(receive, BehaviourChange.Replace);

    protected void BecomeStacked(Receive receive) => Become(receive, BehaviourChange.Push);

    protected void UnbecomeStacked() => Unbecome();

    protected void SetReceiveTimeout(TimeSpan? timeout) => Context.SetReceiveTimeout(timeout);

    protected virtual void PreStart()
    {
    }

    protected virtual void PostStop()
    {
    }

    /// <summary>On the failed instance: stops the children, then calls <see cref="PostStop"/>.</summary>
    /// <param name="reason">The failure.</param>
    /// <param name="message">The message in work as it failed, or null.</param>
    protected virtual void PreRestart(Exception reason, object message)
    {
        foreach (IActorRef child in Context.GetChildren())
        {
            Context.Unwatch(child);
            Context.Stop(child);
        }

        PostStop();
    }

    /// <summary>On the new instance: calls <see cref="PreStart"/>.</summary>
    protected virtual void PostRestart(Exception reason) => PreStart();

    protected virtual SupervisorStrategy SupervisorStrategy() => Qcow2Target.ActorRuntime.SupervisorStrategy.DefaultStrategy;

    /// <summary>Publishes an <see cref="UnhandledMessage"/>; throws <see cref="DeathPactException"/> for a <see cref="Terminated"/>.</summary>
    protected virtual void Unhandled(object message)
    {
        if (message is Terminated terminated) throw new DeathPactException(terminated.ActorRef);
        Context.System.EventStream.Publish(new UnhandledMessage(message, Sender, Self));
    }
}
