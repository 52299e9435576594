using System.Text;

namespace Qcow2Target.Control.Errors;

/// <summary>
/// Why a request failed: one line for people, and a code with facts for programs. Any text may be given to the constructor: it is made
/// one line, cut at <see cref="ControlLimits.MaxErrorTextLength"/>, and kept apart from the <see cref="ReliedUponTexts"/>. Those come
/// from <see cref="ControlErrors"/> only.
/// </summary>
public sealed record ControlError
{
    /// <param name="code">One of <see cref="ErrorCodes"/>.</param>
    /// <param name="text">One line for people, which says what was wrong and, where that helps, what to do.</param>
    /// <param name="facts">What a program may want to know, by field name; written after <c>code</c>, in this order.</param>
    public ControlError(string code, string text, params IReadOnlyList<ErrorFact> facts)
        : this(code, facts, Cut(ReliedUponTexts.Defuse(OneLine(text))))
    {
    }

    private ControlError(string code, IReadOnlyList<ErrorFact> facts, string finishedText)
    {
        ArgumentException.ThrowIfNullOrEmpty(code);
        ArgumentException.ThrowIfNullOrEmpty(finishedText);
        Code = code;
        Text = finishedText;
        Facts = facts;
    }

    /// <summary>One of <see cref="ErrorCodes"/>.</summary>
    public string Code { get; }

    /// <summary>One line for people, never empty.</summary>
    public string Text { get; }

    /// <summary>Facts for programs, by field name.</summary>
    public IReadOnlyList<ErrorFact> Facts { get; }

    /// <summary>An error whose text is one that clients rely upon, word by word.</summary>
    internal static ControlError Verbatim(string code, string reliedUponText, params IReadOnlyList<ErrorFact> facts) =>
        new(code, facts, reliedUponText);

    public override string ToString() => $"{Text} ({Code})";

    private static string OneLine(string text)
    {
        if (!text.Any(char.IsControl))
            return text;
        var line = new StringBuilder(text.Length);
        foreach (char c in text)
            line.Append(char.IsControl(c) ? ' ' : c);
        return line.ToString();
    }

    private static string Cut(string text)
    {
        if (text.Length <= ControlLimits.MaxErrorTextLength)
            return text;
        int end = ControlLimits.MaxErrorTextLength - 1;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[end - 1]) ? end - 1 : end), "…");
    }
}
