namespace Qcow2Target.ActorRuntime;

/// <summary>A template and its arguments, rendered when a logger asks for the text.</summary>
public class LogMessage
{
    internal LogMessage(ILogMessageFormatter formatter, string format, object[] args, IReadOnlyList<LogProperty> properties)
    {
        Formatter = formatter;
        Format = format;
        Args = args;
        Properties = properties;
    }

    public ILogMessageFormatter Formatter { get; }

    public string Format { get; }

    internal object[] Args { get; }

    /// <summary>What the adapter adds to every message.</summary>
    internal IReadOnlyList<LogProperty> Properties { get; }

    public override string ToString() => Formatter.Format(Format, Args);
}
