namespace Qcow2Target.ActorRuntime;

public abstract class LoggingAdapterBase : ILoggingAdapter
{
    private protected LoggingAdapterBase(EventStream bus, string logSource, Type logClass, ILogMessageFormatter formatter)
    {
        Bus = bus;
        LogSource = logSource;
        LogClass = logClass;
        Formatter = formatter;
    }

    public ILogMessageFormatter Formatter { get; }

    public bool IsDebugEnabled => IsEnabled(LogLevel.DebugLevel);

    public bool IsInfoEnabled => IsEnabled(LogLevel.InfoLevel);

    public bool IsWarningEnabled => IsEnabled(LogLevel.WarningLevel);

    public bool IsErrorEnabled => IsEnabled(LogLevel.ErrorLevel);

    internal EventStream Bus { get; }

    internal string LogSource { get; }

    internal Type LogClass { get; }

    internal virtual IReadOnlyList<LogProperty> Properties => [];

    public bool IsEnabled(LogLevel logLevel) => logLevel >= Bus.LogLevel;

    public void Log(LogLevel logLevel, Exception cause, string format) => Publish(logLevel, cause, format);

    public void Log(LogLevel logLevel, Exception cause, LogMessage message) => Publish(logLevel, cause, message);

    internal void Publish(LogLevel logLevel, Exception cause, object message)
    {
        if (!IsEnabled(logLevel)) return;
        if (message is string text && Properties.Count > 0) message = new LogMessage(Formatter, text, [], Properties);
        Bus.Publish(logLevel switch
        {
            LogLevel.DebugLevel => new Debug(cause, LogSource, LogClass, message),
            LogLevel.InfoLevel => new Info(cause, LogSource, LogClass, message),
            LogLevel.WarningLevel => new Warning(cause, LogSource, LogClass, message),
            _ => (LogEvent)new Error(cause, LogSource, LogClass, message),
        });
    }
}
