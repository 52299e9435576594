using Qcow2Target.Server.Options;

namespace Qcow2Target.Server.Tests.Options;

public sealed class ShutdownBudgetTests
{
    private static readonly string[] Phases =
    [
        CoordinatedShutdown.PhaseBeforeServiceUnbind, CoordinatedShutdown.PhaseServiceUnbind, CoordinatedShutdown.PhaseServiceRequestsDone,
        CoordinatedShutdown.PhaseServiceStop, CoordinatedShutdown.PhaseBeforeActorSystemTerminate, CoordinatedShutdown.PhaseActorSystemTerminate,
    ];

    [Theory]
    [InlineData(5)]
    [InlineData(90)]
    [InlineData(3600)]
    public void Phases_together_take_no_more_than_the_shutdown_may(int seconds)
    {
        TimeSpan[] limits = [.. Phases.Select(phase => LimitOf(ShutdownBudget.ConfigOf(TimeSpan.FromSeconds(seconds)), phase))];
        Assert.All(limits, limit => Assert.True(limit > TimeSpan.Zero));
        Assert.Equal(TimeSpan.FromSeconds(seconds), limits.Aggregate((sum, limit) => sum + limit));
    }

    [Fact]
    public void Bringing_data_to_the_disk_has_most_of_the_time()
    {
        Config config = ShutdownBudget.ConfigOf(TimeSpan.FromSeconds(90));
        Assert.Equal(TimeSpan.FromSeconds(67.5), LimitOf(config, CoordinatedShutdown.PhaseServiceStop));
    }

    [Fact]
    public async Task Actor_system_takes_the_limits_over()
    {
        using var fixture = new OptionsFixture();
        fixture.WriteFile("akka.hocon", "qcow2target.shutdown-timeout = 40s\nakka.coordinated-shutdown.phases.service-stop.timeout = 1h\n");
        var system = ActorSystem.Create("options", fixture.Accept().AkkaConfig);
        try
        {
            Assert.Equal(TimeSpan.FromSeconds(30), CoordinatedShutdown.Get(system).Timeout(CoordinatedShutdown.PhaseServiceStop));
        }
        finally
        {
            await system.Terminate();
        }
    }

    private static TimeSpan LimitOf(Config config, string phase) => config.GetTimeSpan($"akka.coordinated-shutdown.phases.{phase}.timeout");
}
