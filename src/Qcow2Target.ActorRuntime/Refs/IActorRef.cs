namespace Qcow2Target.ActorRuntime;

/// <summary>A handle on an actor, valid also after its end. Equal: same path and uid.</summary>
public interface IActorRef : ICanTell, IEquatable<IActorRef>, IComparable<IActorRef>, IComparable
{
    ActorPath Path { get; }
}
