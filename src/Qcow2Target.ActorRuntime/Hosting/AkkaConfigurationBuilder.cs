namespace Qcow2Target.ActorRuntime;

/// <summary>What a hosted system is made of.</summary>
public sealed class AkkaConfigurationBuilder
{
    private readonly List<ActorStarter> _starters = [];
    private readonly List<StartupTask> _startups = [];

    internal AkkaConfigurationBuilder()
    {
    }

    internal Config Configuration { get; private set; } = Config.Empty;

    public AkkaConfigurationBuilder AddStartup(Action<ActorSystem, IActorRegistry> startupTask)
    {
        ArgumentNullException.ThrowIfNull(startupTask);
        return AddStartup(ToTask(startupTask.Invoke));
    }

    public AkkaConfigurationBuilder AddStartup(StartupTask startupTask)
    {
        ArgumentNullException.ThrowIfNull(startupTask);
        _startups.Add(startupTask);
        return this;
    }

    internal AkkaConfigurationBuilder AddStarter(ActorStarter starter)
    {
        ArgumentNullException.ThrowIfNull(starter);
        _starters.Add(starter);
        return this;
    }

    internal AkkaConfigurationBuilder AddConfiguration(Config config, HoconAddMode mode)
    {
        ArgumentNullException.ThrowIfNull(config);
        Configuration = mode switch
        {
            HoconAddMode.Append => Configuration.WithFallback(config),
            HoconAddMode.Prepend => config.WithFallback(Configuration),
            HoconAddMode.Replace => config,
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, null),
        };
        return this;
    }

    /// <summary>The starters, then the startups, one after the other.</summary>
    internal async Task StartAsync(ActorSystem system, IActorRegistry registry)
    {
        foreach (ActorStarter starter in _starters) await starter(system, registry).ConfigureAwait(false);
        foreach (StartupTask startup in _startups) await startup(system, registry).ConfigureAwait(false);
    }

    private static StartupTask ToTask(Action<ActorSystem, IActorRegistry> action) => (system, registry) =>
    {
        action(system, registry);
        return Task.CompletedTask;
    };
}
