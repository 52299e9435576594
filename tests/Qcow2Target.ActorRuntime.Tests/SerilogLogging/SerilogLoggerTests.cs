using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace Qcow2Target.ActorRuntime.Tests.SerilogLogging;

public sealed class SerilogLoggerTests
{
    private const string Settings = """
        akka {
          loglevel = DEBUG
          loggers = ["Akka.Logger.Serilog.SerilogLogger, Akka.Logger.Serilog"]
          logger-formatter = "Akka.Logger.Serilog.SerilogLogMessageFormatter, Akka.Logger.Serilog"
        }
        """;

    [Fact]
    public async Task Templates_values_and_properties_reach_serilog()
    {
        var sink = new Sink();
        Log.Logger = new LoggerConfiguration().MinimumLevel.Debug().WriteTo.Sink(sink).CreateLogger();
        ActorSystem system = ActorSystem.Create("logged", Settings);
        IActorRef actor = system.ActorOf(Props.Create(() => new Opener()), "opener");
        actor.Tell("/images/a.qcow2", ActorRefs.NoSender);
        actor.Tell(PoisonPill.Instance, ActorRefs.NoSender);
        Assert.True(await actor.WatchAsync());
        await system.Terminate();     // what was logged before the end is written

        Serilog.Events.LogEvent opened = Assert.Single(sink.Events, logged => logged.MessageTemplate.Text == "opened {Path} in {Elapsed} ms");
        Assert.Equal(LogEventLevel.Information, opened.Level);
        Assert.Equal("opened \"/images/a.qcow2\" in 12 ms", opened.RenderMessage());
        Assert.Equal("akka://logged/user/opener", Value(opened, "ActorPath"));
        Assert.Equal("akka://logged/user/opener", Value(opened, "LogSource"));
        Assert.Equal("blue", Value(opened, "Colour"));
        Assert.True(opened.Properties.ContainsKey("Thread") && opened.Properties.ContainsKey("Timestamp") && opened.Properties.ContainsKey("SourceContext"));

        Serilog.Events.LogEvent failed = Assert.Single(sink.Events, logged => logged.Level == LogEventLevel.Error);
        Assert.IsType<IOException>(failed.Exception);
        Assert.Equal("100% {sure}", failed.RenderMessage());
        Assert.False(failed.Properties.ContainsKey("Colour"));
    }

    [Fact]
    public void The_formatter_renders_as_serilog_does()
    {
        var formatter = new SerilogLogMessageFormatter();
        Assert.Equal("opened \"/a\" at 7", formatter.Format("opened {Path} at {Offset}", "/a", 7));
        Assert.Equal("opened /a", formatter.Format("opened {Path:l}", "/a"));
        Assert.Equal("0x00FF", formatter.Format("0x{Value:X4}", 255));
        Assert.Equal("{Missing}", formatter.Format("{Missing}"));
        Assert.Equal("1 {B}", formatter.Format("{A} {B}", 1));
    }

    private static object? Value(Serilog.Events.LogEvent logged, string name) => Assert.IsType<ScalarValue>(logged.Properties[name]).Value;

    private sealed class Sink : ILogEventSink
    {
        private readonly List<Serilog.Events.LogEvent> _events = [];

        public IReadOnlyList<Serilog.Events.LogEvent> Events
        {
            get
            {
                lock (_events) return [.. _events];
            }
        }

        public void Emit(Serilog.Events.LogEvent logEvent)
        {
            lock (_events) _events.Add(logEvent);
        }
    }

    private sealed class Opener : ReceiveActor
    {
        public Opener()
        {
            ILoggingAdapter log = Context.GetLogger(), coloured = Context.GetLogger<SerilogLoggingAdapter>().ForContext("Colour", "blue");
            Receive<string>(path =>
            {
                coloured.Info("opened {Path} in {Elapsed} ms", path, 12);
                log.Error(new IOException("gone"), "100% {sure}");
            });
        }
    }
}
