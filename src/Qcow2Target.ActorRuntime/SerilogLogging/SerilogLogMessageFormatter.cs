namespace Qcow2Target.ActorRuntime;

/// <summary>Renders named templates as Serilog does, strings in quotes.</summary>
public class SerilogLogMessageFormatter : ILogMessageFormatter
{
    public string Format(string format, params object[] args) => LogTemplate.Render(format, args, QuoteStrings.Yes);
}
