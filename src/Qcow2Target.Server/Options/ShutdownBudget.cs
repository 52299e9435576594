using System.Globalization;
using System.Text;

namespace Qcow2Target.Server.Options;

/// <summary>Shares the time for a shutdown among the phases of the coordinated shutdown. Together they never take more than all of it.</summary>
internal static class ShutdownBudget
{
    /// <summary>In hundredths. Nearly all goes to bringing data to the disk; the rest only waits for actors and sockets.</summary>
    private static readonly (string Phase, int Share)[] Shares =
    [
        (CoordinatedShutdown.PhaseBeforeServiceUnbind, 2),
        (CoordinatedShutdown.PhaseServiceUnbind, 8),
        (CoordinatedShutdown.PhaseServiceRequestsDone, 5),
        (CoordinatedShutdown.PhaseServiceStop, 75),
        (CoordinatedShutdown.PhaseBeforeActorSystemTerminate, 2),
        (CoordinatedShutdown.PhaseActorSystemTerminate, 8),
    ];

    /// <summary>The phases' limits as configuration of the actor system.</summary>
    public static Config ConfigOf(TimeSpan whole)
    {
        var text = new StringBuilder();
        foreach ((string phase, int share) in Shares)
        {
            long milliseconds = (long)whole.TotalMilliseconds * share / 100;
            text.Append(CultureInfo.InvariantCulture, $"akka.coordinated-shutdown.phases.{phase}.timeout = {milliseconds}ms\n");
        }

        return ConfigurationFactory.ParseString(text.ToString());
    }
}
