namespace Qcow2Target.ActorRuntime;

/// <summary>The stash of an actor is full.</summary>
public class StashOverflowException : AkkaException
{
    public StashOverflowException(string message, Exception cause = null)
        : base(message, cause)
    {
    }
}
