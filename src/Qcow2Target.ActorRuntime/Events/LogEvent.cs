namespace Qcow2Target.ActorRuntime;

/// <summary>A line of the log on its way to the loggers. Its message is rendered there, by <c>ToString</c>.</summary>
public abstract class LogEvent : INoSerializationVerificationNeeded
{
    private protected LogEvent(Exception cause, string logSource, Type logClass, object message)
    {
        Cause = cause;
        LogSource = logSource;
        LogClass = logClass;
        Message = message;
    }

    public Exception Cause { get; }

    public Type LogClass { get; }

    /// <summary>The path of the actor, or the name given.</summary>
    public string LogSource { get; }

    /// <summary>A <see cref="LogMessage"/> or the text itself.</summary>
    public object Message { get; }

    public DateTime Timestamp { get; } = DateTime.UtcNow;

    public Thread Thread { get; } = Thread.CurrentThread;

    public abstract LogLevel LogLevel();

    public override string ToString() =>
        $"[{LogLevel().ToString().Replace("Level", "", StringComparison.Ordinal).ToUpperInvariant()}][{Timestamp:O}][Thread {Thread.ManagedThreadId:D4}][{LogSource}] {Message}"
        + (Cause is null ? "" : $"{Environment.NewLine}Cause: {Cause}");
}
