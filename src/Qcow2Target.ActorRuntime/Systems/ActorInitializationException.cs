namespace Qcow2Target.ActorRuntime;

/// <summary>An actor could not be built: its constructor, <c>PreStart</c> or <c>PostRestart</c> threw. Stops the actor by default.</summary>
public class ActorInitializationException : AkkaException
{
    public ActorInitializationException(string message, Exception cause = null)
        : base(message, cause)
    {
    }

    public ActorInitializationException(IActorRef actor, string message, Exception cause = null)
        : base($"{actor}: {message}", cause) => Actor = actor;

    public IActorRef Actor { get; }
}
