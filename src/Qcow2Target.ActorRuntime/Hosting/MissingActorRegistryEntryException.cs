namespace Qcow2Target.ActorRuntime;

/// <summary>No actor is registered under the type.</summary>
public sealed class MissingActorRegistryEntryException : Exception
{
    public MissingActorRegistryEntryException(string message)
        : base(message)
    {
    }
}
