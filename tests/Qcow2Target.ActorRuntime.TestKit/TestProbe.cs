namespace Qcow2Target.ActorTestKit;

/// <summary>A further test actor, usable as a ref.</summary>
public sealed class TestProbe : TestKitBase, IActorRef, IWrappedActorRef
{
    private static long _number;

    internal TestProbe(ActorSystem system, string name)
        : base(system, $"{name ?? "probe"}-{Interlocked.Increment(ref _number)}")
    {
    }

    public IActorRef Ref => TestActor;

    /// <summary>Of the last message received.</summary>
    public IActorRef Sender => LastSender;

    public ActorPath Path => TestActor.Path;

    IActorRef IWrappedActorRef.Wrapped => TestActor;

    public void Send(IActorRef actor, object message) => actor.Tell(message, TestActor);

    public void Reply(object message) => Sender.Tell(message, TestActor);

    /// <summary>Passes the last message on, with its sender.</summary>
    public void Forward(IActorRef actor) => actor.Tell(LastMessage, Sender);

    void ICanTell.Tell(object message, IActorRef sender) => TestActor.Tell(message, sender);

    public bool Equals(IActorRef other) => TestActor.Equals(other);

    public int CompareTo(IActorRef other) => TestActor.CompareTo(other);

    public int CompareTo(object obj) => TestActor.CompareTo(obj);

    public override bool Equals(object obj) => TestActor.Equals(obj);

    public override int GetHashCode() => TestActor.GetHashCode();

    public override string ToString() => TestActor.ToString();
}
