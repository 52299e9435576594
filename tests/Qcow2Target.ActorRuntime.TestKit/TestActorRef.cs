namespace Qcow2Target.ActorTestKit;

/// <summary>An actor that runs on the thread that tells it something.</summary>
public sealed class TestActorRef<TActor> : IActorRef, IWrappedActorRef
    where TActor : ActorBase
{
    private readonly LocalActorRef _actor;

    internal TestActorRef(ActorSystem system, Props props, IActorRef supervisor, string name)
    {
        Props onThisThread = props.WithDispatcher(Dispatchers.CallingThreadId);
        _actor = supervisor is null
            ? (LocalActorRef)system.ActorOf(onThisThread, name)
            : (LocalActorRef)((LocalActorRef)InternalActorRef.Of(supervisor)).Cell.ActorOf(onThisThread, name);
    }

    /// <summary>The present incarnation.</summary>
    public TActor UnderlyingActor => (TActor)_actor.Cell.Actor;

    public ActorPath Path => _actor.Path;

    IActorRef IWrappedActorRef.Wrapped => _actor;

    /// <summary>Has the actor handle a message now; what the handler throws comes out here.</summary>
    public void Receive(object message, IActorRef sender = null) => _actor.Cell.Handle(message, sender);

    void ICanTell.Tell(object message, IActorRef sender) => _actor.Tell(message, sender);

    public bool Equals(IActorRef other) => _actor.Equals(other);

    public int CompareTo(IActorRef other) => _actor.CompareTo(other);

    public int CompareTo(object obj) => _actor.CompareTo(obj);

    public override bool Equals(object obj) => _actor.Equals(obj);

    public override int GetHashCode() => _actor.GetHashCode();

    public override string ToString() => _actor.ToString();
}
