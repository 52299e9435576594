namespace Qcow2Target.ActorRuntime;

/// <summary>Fills in templates with positions, <c>{0}</c>, or names, <c>{Path}</c>, with the plain text of the values.</summary>
public class DefaultLogMessageFormatter : ILogMessageFormatter
{
    public static readonly DefaultLogMessageFormatter Instance = new();

    public string Format(string format, params object[] args) => LogTemplate.Render(format, args, QuoteStrings.No);
}
