namespace Qcow2Target.ActorRuntime;

/// <summary>An actor as a service, by the type it is registered under.</summary>
public interface IRequiredActor<TActor>
{
    /// <exception cref="MissingActorRegistryEntryException">Not registered yet: use <see cref="GetAsync"/>.</exception>
    IActorRef ActorRef { get; }

    Task<IActorRef> GetAsync(CancellationToken cancellationToken = default);
}
