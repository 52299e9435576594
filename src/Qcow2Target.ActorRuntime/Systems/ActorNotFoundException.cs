namespace Qcow2Target.ActorRuntime;

/// <summary>No actor lives at the path of a selection.</summary>
public class ActorNotFoundException : AkkaException
{
    public ActorNotFoundException(string message, Exception innerException = null)
        : base(message, innerException)
    {
    }
}
