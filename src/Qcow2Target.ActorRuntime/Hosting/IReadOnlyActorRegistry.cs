namespace Qcow2Target.ActorRuntime;

/// <summary>Actors by a type that stands for them.</summary>
public interface IReadOnlyActorRegistry
{
    bool TryGet<TKey>(out IActorRef actor);

    /// <exception cref="MissingActorRegistryEntryException">Nothing registered.</exception>
    IActorRef Get<TKey>();

    /// <summary>Waits until it is registered.</summary>
    Task<IActorRef> GetAsync<TKey>(CancellationToken ct = default);
}
