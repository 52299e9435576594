namespace Qcow2Target.ActorRuntime;

/// <summary>The configuration of a system, with the values the runtime itself reads.</summary>
public class Settings
{
    internal Settings(Config config)
    {
        Config = config;
        AskTimeout = config.GetTimeSpan("akka.actor.ask-timeout", Timeout.InfiniteTimeSpan);
        LogLevel = config.GetString("akka.loglevel", "INFO");
    }

    public Config Config { get; }

    public TimeSpan AskTimeout { get; }

    public string LogLevel { get; }
}
