using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Qcow2Target.Control;
using Qcow2Target.Server.Options;
using Serilog;
using Serilog.Events;

namespace Qcow2Target.Server.Hosting;

/// <summary>The process: host, logging, actor system, signals, exit code.</summary>
internal static class Daemon
{
    public const string SystemName = "qcow2target";

    private const string LogLine = "{Timestamp:yyyy-MM-dd HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}";

    /// <returns>The exit code of the process.</returns>
    public static async Task<int> RunAsync(ServerOptions options)
    {
        Log.Logger = new LoggerConfiguration()
            .MinimumLevel.Is(options.LogLevel)
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .WriteTo.Console(outputTemplate: LogLine, formatProvider: System.Globalization.CultureInfo.InvariantCulture)
            .CreateLogger();
        try
        {
            ControlLimits.AssertRelations();
            using var host = Build(options);
            using var signals = new SecondSignal();
            var exit = host.Services.GetRequiredService<DaemonExit>();   // before the host runs: it takes its services along
            await host.RunAsync().ConfigureAwait(false);
            return exit.Code;
        }
#pragma warning disable CA1031 // whatever kept the daemon from starting is one line for its operator
        catch (Exception e)
        {
            var cause = e is AggregateException { InnerException: { } inner } ? inner : e;
            if (cause is StartFailedException)
                Log.Fatal("{Reason:l}", cause.Message);
            else
                Log.Fatal(cause, "the daemon could not start");
            return 1;
        }
#pragma warning restore CA1031
        finally
        {
            await Log.CloseAndFlushAsync().ConfigureAwait(false);
        }
    }

    private static IHost Build(ServerOptions options)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.ClearProviders();
        builder.Services.AddSerilog();
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<DaemonExit>();
        builder.Services.AddSingleton<DaemonActors>();
        builder.Services.AddSingleton<DemoShare>();
        // The host waits for the coordinated shutdown, whose phases have limits of their own.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownTimeout + TimeSpan.FromSeconds(10));
        builder.Services.AddAkka(SystemName, (akka, services) => akka
            .AddHocon(options.AkkaConfig, HoconAddMode.Prepend)
            .ConfigureLoggers(loggers =>
            {
                loggers.ClearLoggers();
                loggers.AddLogger<SerilogLogger>();
                loggers.WithDefaultLogMessageFormatter<SerilogLogMessageFormatter>();
                loggers.LogLevel = options.ActorLogLevel;
            })
            .AddStartup(async (system, registry) =>
            {
                await services.GetRequiredService<DaemonActors>().StartAsync(system, registry).ConfigureAwait(false);
                await services.GetRequiredService<DemoShare>().StartAsync(system, registry).ConfigureAwait(false);
            }));
        return builder.Build();
    }
}
