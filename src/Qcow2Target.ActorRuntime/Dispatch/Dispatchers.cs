using System.Collections.Concurrent;

namespace Qcow2Target.ActorRuntime;

/// <summary>The dispatchers of a system, made from its configuration at first use.</summary>
public sealed class Dispatchers
{
    /// <summary>The id of the calling-thread dispatcher of the test kit.</summary>
    internal const string CallingThreadId = "akka.test.calling-thread-dispatcher";
    internal const string DefaultId = "akka.actor.default-dispatcher";

    private readonly ConcurrentDictionary<string, Lazy<MessageDispatcher>> _byId = new();
    private readonly Config _config;

    internal Dispatchers(Config config) => _config = config;

    public bool HasDispatcher(string id) => id == CallingThreadId || _config.HasPath(id);

    /// <exception cref="ConfigurationException">No such dispatcher, or of a type that does not exist here.</exception>
    internal MessageDispatcher Lookup(string id)
    {
        if (!HasDispatcher(id)) throw new ConfigurationException($"Dispatcher [{id}] is not configured.");
        return _byId.GetOrAdd(id, key => new Lazy<MessageDispatcher>(() => Make(key))).Value;
    }

    internal void Shutdown()
    {
        foreach (Lazy<MessageDispatcher> dispatcher in _byId.Values)
            if (dispatcher.IsValueCreated) dispatcher.Value.Shutdown();
    }

    private MessageDispatcher Make(string id)
    {
        if (id == CallingThreadId) return new SharedDispatcher(id, int.MaxValue, new CallingThreadExecutor());
        Config own = _config.GetConfig(id);
        string type = own.GetString("type");
        int throughput = own.GetInt("throughput", 30);
        if (throughput < 1) throw new ConfigurationException($"Dispatcher [{id}]: throughput {throughput} is not positive.");
        switch (type)
        {
            case "Dispatcher" or "TaskDispatcher":
                return new SharedDispatcher(id, throughput, new ThreadPoolExecutor());
            case "ForkJoinDispatcher":
                int threads = own.GetInt("dedicated-thread-pool.thread-count");
                if (threads < 1) throw new ConfigurationException($"Dispatcher [{id}]: dedicated-thread-pool.thread-count {threads} is not positive.");
                return new SharedDispatcher(id, throughput, new DedicatedThreadsExecutor(id, threads));
            case "PinnedDispatcher":
                return new PinnedDispatcher(id, throughput);
            default:
                throw new ConfigurationException($"Dispatcher [{id}]: type [{type}] is none of Dispatcher, TaskDispatcher, ForkJoinDispatcher, PinnedDispatcher.");
        }
    }
}
