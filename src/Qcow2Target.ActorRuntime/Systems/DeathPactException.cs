namespace Qcow2Target.ActorRuntime;

/// <summary>An actor did not handle the <see cref="Terminated"/> of an actor it watched: it dies with it.</summary>
public class DeathPactException : AkkaException
{
    public DeathPactException(IActorRef deadActor)
        : base($"Monitored actor [{deadActor}] terminated") => DeadActor = deadActor;

    public IActorRef DeadActor { get; }
}
