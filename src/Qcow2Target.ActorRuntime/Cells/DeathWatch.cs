namespace Qcow2Target.ActorRuntime;

/// <summary>Who an actor watches and who watches it. On the actor's turn only.</summary>
internal sealed class DeathWatch
{
    private readonly ActorCell _cell;
    private readonly Dictionary<IActorRef, object> _watching = [];      // with the message asked for in place of Terminated, or null
    private readonly Dictionary<IActorRef, object> _queued = [];        // dead, their Terminated is in the mailbox
    private readonly HashSet<InternalActorRef> _watchers = [];

    public DeathWatch(ActorCell cell) => _cell = cell;

    public void Watch(IActorRef subject, object message)
    {
        InternalActorRef actor = InternalActorRef.Of(subject);
        if (actor.Equals(_cell.Self) || !_watching.TryAdd(actor, message)) return;
        actor.SendSystemMessage(new Watch(_cell.Self));
    }

    public void Unwatch(IActorRef subject)
    {
        InternalActorRef actor = InternalActorRef.Of(subject);
        if (_watching.Remove(actor)) actor.SendSystemMessage(new Unwatch(_cell.Self));
        _queued.Remove(actor);
    }

    public void AddWatcher(InternalActorRef watcher) => _watchers.Add(watcher);

    public void RemoveWatcher(InternalActorRef watcher) => _watchers.Remove(watcher);

    /// <summary>A watched actor has stopped: its Terminated goes behind what it told us.</summary>
    public void OnStopped(DeathWatchNotification notification)
    {
        if (!_watching.Remove(notification.Actor, out object message)) return;
        _queued[notification.Actor] = message;
        _cell.Self.Tell(new Terminated(notification.Actor, notification.ExistenceConfirmed), notification.Actor);
    }

    /// <summary>The turn of a Terminated has come. False when it was unwatched meanwhile or never watched.</summary>
    /// <param name="message">The one to handle: the Terminated or what <c>WatchWith</c> put in its place.</param>
    public bool TryTake(Terminated terminated, out object message)
    {
        bool wanted = _queued.Remove(terminated.ActorRef, out object ownMessage);
        message = ownMessage ?? terminated;
        return wanted;
    }

    /// <summary>A stashed Terminated goes back to the mailbox.</summary>
    public void Requeue(Terminated terminated) => _queued[terminated.ActorRef] = null;

    /// <summary>The actor itself has stopped.</summary>
    public void End()
    {
        foreach (InternalActorRef watcher in _watchers) watcher.SendSystemMessage(new DeathWatchNotification(_cell.Self, existenceConfirmed: true));
        _watchers.Clear();
        foreach (IActorRef subject in _watching.Keys) InternalActorRef.Of(subject).SendSystemMessage(new Unwatch(_cell.Self));
        _watching.Clear();
        _queued.Clear();
    }
}
