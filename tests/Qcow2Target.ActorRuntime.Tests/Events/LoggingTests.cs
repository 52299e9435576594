namespace Qcow2Target.ActorRuntime.Tests.Events;

public sealed class LoggingTests : TestKit
{
    public LoggingTests()
        : base("akka.loglevel = DEBUG")
    {
    }

    [Fact]
    public void Levels_texts_and_sources_are_seen()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Chatty()), "chatty");
        string source = actor.Path.ToString()!;
        EventFilter.Debug("debug 1", source: source).ExpectOne(() => actor.Tell("debug"));
        EventFilter.Info(start: "info", source: source).ExpectOne(() => actor.Tell("info"));
        EventFilter.Warning(contains: "arning", source: source).ExpectOne(() => actor.Tell("warning"));
        EventFilter.Error("error 1 2 3", source: source).ExpectOne(() => actor.Tell("error"));
        EventFilter.Exception<InvalidOperationException>("with cause").ExpectOne(() => actor.Tell("cause"));
    }

    [Fact]
    public void An_event_says_where_it_comes_from()
    {
        Sys.EventStream.Subscribe<Info>(TestActor);
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Chatty()), "chatty");
        actor.Tell("info");
        Info info = FishForMessage<Info>(logged => logged.LogClass == typeof(Chatty));
        Assert.Equal(actor.Path.ToString(), info.LogSource);
        Assert.Equal("info 1", info.Message.ToString());
        Assert.Equal(LogLevel.InfoLevel, info.LogLevel());
        Assert.Null(info.Cause);
    }

    [Fact]
    public void An_adapter_by_name_logs_too()
    {
        ILoggingAdapter log = Logging.GetLogger(Sys, "portal");
        Assert.True(log.IsDebugEnabled && log.IsInfoEnabled && log.IsWarningEnabled && log.IsErrorEnabled && log.IsEnabled(LogLevel.DebugLevel));
        EventFilter.Warning("listening on 3260").ExpectOne(() => log.Warning("listening on {0}", 3260));
    }

    [Fact]
    public void Levels_below_the_configured_one_are_off()
    {
        using ActorSystem quiet = ActorSystem.Create("quiet", "akka { loglevel = WARNING, loggers = [] }");
        ILoggingAdapter log = Logging.GetLogger(quiet, "x");
        Assert.False(log.IsDebugEnabled || log.IsInfoEnabled);
        Assert.True(log.IsWarningEnabled && log.IsErrorEnabled);
        Assert.Equal(LogLevel.WarningLevel, quiet.EventStream.LogLevel);
    }

    private sealed class Chatty : ReceiveActor
    {
        private readonly ILoggingAdapter _log = Context.GetLogger();

        public Chatty() => Receive<string>(level =>
        {
            switch (level)
            {
                case "debug":
                    _log.Debug("debug {0}", 1);
                    break;
                case "info":
                    _log.Info("info {0}", 1);
                    break;
                case "warning":
                    _log.Warning("warning");
                    break;
                case "error":
                    _log.Error("error {0} {1} {2}", 1, 2, 3);
                    break;
                default:
                    _log.Error(new InvalidOperationException("the cause"), "with cause");
                    break;
            }
        });
    }
}
