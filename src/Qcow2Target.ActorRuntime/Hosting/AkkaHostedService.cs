using Microsoft.Extensions.Hosting;

namespace Qcow2Target.ActorRuntime;

/// <summary>Starts the system's actors with the host, shuts it down with the host, and stops the host if the system ends by itself.</summary>
internal sealed class AkkaHostedService : IHostedService
{
    private readonly AkkaConfigurationBuilder _builder;
    private readonly ActorSystem _system;
    private readonly ActorRegistry _registry;
    private readonly IHostApplicationLifetime _lifetime;

    public AkkaHostedService(AkkaConfigurationBuilder builder, ActorSystem system, ActorRegistry registry, IHostApplicationLifetime lifetime)
    {
        _builder = builder;
        _system = system;
        _registry = registry;
        _lifetime = lifetime;
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _builder.StartAsync(_system, _registry).ConfigureAwait(false);
        _ = _system.WhenTerminated.ContinueWith(
            _ => _lifetime.StopApplication(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    /// <summary>Waits for the coordinated shutdown whatever the token says: its phases have their own times.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => CoordinatedShutdown.Get(_system).Run(CoordinatedShutdown.ClrExitReason.Instance);
}
