using System.Globalization;
using System.Text;

namespace Qcow2Target.ActorRuntime;

/// <summary>The loggers of a system. Starts with <see cref="DefaultLogger"/>.</summary>
public sealed class LoggerConfigBuilder
{
    private readonly HashSet<Type> _loggers = [typeof(DefaultLogger)];
    private Type _formatter = typeof(DefaultLogMessageFormatter);

    internal LoggerConfigBuilder()
    {
    }

    public LogLevel LogLevel { get; set; } = LogLevel.InfoLevel;

    public DeadLetterOptions DeadLetterOptions { get; set; }

    public LoggerConfigBuilder ClearLoggers()
    {
        _loggers.Clear();
        return this;
    }

    public LoggerConfigBuilder AddLogger<T>()
        where T : ActorBase
    {
        _loggers.Add(typeof(T));
        return this;
    }

    public LoggerConfigBuilder WithDefaultLogMessageFormatter<T>()
        where T : ILogMessageFormatter
    {
        _formatter = typeof(T);
        return this;
    }

    internal Config ToConfig()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"akka.loglevel = \"{LogLevel.ToString().Replace("Level", "", StringComparison.Ordinal).ToUpperInvariant()}\"");
        text.AppendLine(CultureInfo.InvariantCulture, $"akka.loggers = [{string.Join(", ", _loggers.Select(type => $"\"{type.AssemblyQualifiedName}\""))}]");
        text.AppendLine(CultureInfo.InvariantCulture, $"akka.logger-formatter = \"{_formatter.AssemblyQualifiedName}\"");
        string deadLetters = DeadLetterOptions?.ShouldLog switch
        {
            TriStateValue.None => "off",
            TriStateValue.All => "on",
            TriStateValue.Some => (DeadLetterOptions.LogCount ?? throw new ConfigurationException("DeadLetterOptions.LogCount is missing.")).ToString(CultureInfo.InvariantCulture),
            _ => null,
        };
        if (deadLetters is not null) text.AppendLine(CultureInfo.InvariantCulture, $"akka.log-dead-letters = {deadLetters}");
        return ConfigurationFactory.ParseString(text.ToString());
    }
}
