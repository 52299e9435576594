namespace Qcow2Target.ActorRuntime;

/// <summary>An actor is registered under the type already.</summary>
public sealed class DuplicateActorRegistryException : Exception
{
    public DuplicateActorRegistryException(string message)
        : base(message)
    {
    }
}
