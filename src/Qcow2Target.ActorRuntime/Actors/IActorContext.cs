namespace Qcow2Target.ActorRuntime;

/// <summary>What an actor may ask of the runtime; usable only on the actor's own turn.</summary>
public interface IActorContext : IActorRefFactory, ICanWatch
{
    IActorRef Self { get; }

    IActorRef Sender { get; }

    IActorRef Parent { get; }

    Props Props { get; }

    ActorSystem System { get; }

    TimeSpan? ReceiveTimeout { get; }

    MessageDispatcher Dispatcher { get; }

    /// <summary>The child of that name, or <see cref="ActorRefs.Nobody"/>.</summary>
    IActorRef Child(string name);

    IEnumerable<IActorRef> GetChildren();

    void Stop(IActorRef child);

    void SetReceiveTimeout(TimeSpan? timeout);

    void Become(Receive receive);

    void BecomeStacked(Receive receive);

    void UnbecomeStacked();
}
