namespace Qcow2Target.ActorRuntime;

/// <summary>Base of the exceptions of the actor runtime.</summary>
public abstract class AkkaException : Exception
{
    protected AkkaException()
    {
    }

    protected AkkaException(string message, Exception cause = null)
        : base(message, cause)
    {
    }

    protected Exception Cause => InnerException;
}
