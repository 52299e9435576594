using Serilog.Events;

namespace Qcow2Target.Server.Options;

/// <summary>The words for log levels: Serilog's, and <c>trace</c>, <c>info</c>, <c>warn</c> as people say them. Without case.</summary>
internal static class LogLevelNames
{
    /// <summary>The words that help and errors show.</summary>
    public static IReadOnlyList<string> All { get; } = ["verbose", "debug", "information", "warning", "error", "fatal"];

    public static LogEventLevel? Find(string name) => name.ToUpperInvariant() switch
    {
        "VERBOSE" or "TRACE" => LogEventLevel.Verbose,
        "DEBUG" => LogEventLevel.Debug,
        "INFORMATION" or "INFO" => LogEventLevel.Information,
        "WARNING" or "WARN" => LogEventLevel.Warning,
        "ERROR" => LogEventLevel.Error,
        "FATAL" => LogEventLevel.Fatal,
        _ => null,
    };

    /// <summary>The level at which the actor system hands its events on: nothing that <paramref name="level"/> shows is held back.</summary>
    public static LogLevel ForActors(LogEventLevel level) => level switch
    {
        LogEventLevel.Verbose or LogEventLevel.Debug => LogLevel.DebugLevel,
        LogEventLevel.Information => LogLevel.InfoLevel,
        LogEventLevel.Warning => LogLevel.WarningLevel,
        _ => LogLevel.ErrorLevel,
    };
}
