using System.Globalization;
using Serilog;
using Serilog.Events;

namespace Qcow2Target.ActorRuntime;

/// <summary>
/// Hands log events to the static <c>Serilog.Log.Logger</c>, with their templates and values, and the properties SourceContext, ActorPath,
/// LogSource, Thread and Timestamp.
/// </summary>
public class SerilogLogger : ReceiveActor
{
    public SerilogLogger() => Receive<LogEvent>(Write);

    private static void Write(LogEvent logEvent)
    {
        LogEventLevel level = logEvent.LogLevel() switch
        {
            LogLevel.DebugLevel => LogEventLevel.Debug,
            LogLevel.InfoLevel => LogEventLevel.Information,
            LogLevel.WarningLevel => LogEventLevel.Warning,
            _ => LogEventLevel.Error,
        };
        Serilog.ILogger logger = Log.Logger;
        if (!logger.IsEnabled(level)) return;

        logger = logger
            .ForContext("SourceContext", logEvent.LogClass?.FullName)
            .ForContext("ActorPath", logEvent.LogSource)
            .ForContext("LogSource", logEvent.LogSource)
            .ForContext("Thread", logEvent.Thread.ManagedThreadId.ToString("D4", CultureInfo.InvariantCulture))
            .ForContext("Timestamp", logEvent.Timestamp);
        if (logEvent.Message is not LogMessage message)
        {
            logger.Write(level, logEvent.Cause, "{Message:l}", logEvent.Message);
            return;
        }

        foreach (LogProperty property in message.Properties) logger = logger.ForContext(property.Name, property.Value, property.Destructure);
        logger.Write(level, logEvent.Cause, message.Format, message.Args);
    }
}
