using System.Runtime.CompilerServices;

namespace Qcow2Target.ActorRuntime;

/// <summary>The registry of a system.</summary>
public class ActorRegistry : IActorRegistry
{
    private static readonly ConditionalWeakTable<ActorSystem, ActorRegistry> BySystem = [];

    private readonly Lock _lock = new();
    private readonly Dictionary<Type, IActorRef> _actors = [];
    private readonly Dictionary<Type, TaskCompletionSource<IActorRef>> _awaited = [];

    internal ActorRegistry()
    {
    }

    public static ActorRegistry For(ActorSystem actorSystem) => BySystem.GetValue(actorSystem, _ => new ActorRegistry());

    public void Register<TKey>(IActorRef actor, bool overwrite = false)
    {
        if (!TryRegister<TKey>(actor, overwrite)) throw new DuplicateActorRegistryException($"An actor is registered under {typeof(TKey)} already.");
    }

    public bool TryRegister<TKey>(IActorRef actor, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(actor);
        TaskCompletionSource<IActorRef> awaited;
        lock (_lock)
        {
            if (!overwrite && _actors.ContainsKey(typeof(TKey))) return false;
            _actors[typeof(TKey)] = actor;
            _awaited.Remove(typeof(TKey), out awaited);
        }

        awaited?.SetResult(actor);
        return true;
    }

    public bool TryGet<TKey>(out IActorRef actor)
    {
        lock (_lock)
        {
            if (_actors.TryGetValue(typeof(TKey), out actor)) return true;
            actor = ActorRefs.Nobody;
            return false;
        }
    }

    public IActorRef Get<TKey>() => TryGet<TKey>(out IActorRef actor)
        ? actor
        : throw new MissingActorRegistryEntryException($"No actor is registered under {typeof(TKey)}.");

    public Task<IActorRef> GetAsync<TKey>(CancellationToken ct = default)
    {
        lock (_lock)
        {
            if (_actors.TryGetValue(typeof(TKey), out IActorRef actor)) return Task.FromResult(actor);
            if (!_awaited.TryGetValue(typeof(TKey), out TaskCompletionSource<IActorRef> awaited))
                _awaited[typeof(TKey)] = awaited = new TaskCompletionSource<IActorRef>(TaskCreationOptions.RunContinuationsAsynchronously);
            return awaited.Task.WaitAsync(ct);
        }
    }
}
