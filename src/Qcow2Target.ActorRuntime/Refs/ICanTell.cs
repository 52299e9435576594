namespace Qcow2Target.ActorRuntime;

/// <summary>Something that takes messages.</summary>
public interface ICanTell
{
    /// <exception cref="ArgumentNullException">The message is null.</exception>
    void Tell(object message, IActorRef sender);
}
