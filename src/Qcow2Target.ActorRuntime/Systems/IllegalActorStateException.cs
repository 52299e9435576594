namespace Qcow2Target.ActorRuntime;

/// <summary>A call that the state of the actor does not allow.</summary>
public class IllegalActorStateException : AkkaException
{
    public IllegalActorStateException(string message)
        : base(message)
    {
    }
}
