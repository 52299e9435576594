using Qcow2Target.Control.Requests;

namespace Qcow2Target.Control.Replies;

/// <summary>What a check has found.</summary>
/// <param name="Outcome"><c>clean</c>, <c>leaks</c>, <c>corrupt</c> or <c>not_checked</c>.</param>
/// <param name="Errors">Contradictions other than leaks.</param>
/// <param name="Leaks">Host clusters that are counted more often than they are used.</param>
/// <param name="Findings">The first of them, a sentence each.</param>
public sealed record CheckReply(string Outcome, long Errors, long Leaks, IReadOnlyList<string> Findings) : ControlReply
{
    /// <summary>Findings that a reply tells one by one.</summary>
    public const int MaxFindings = 100;

    public override string Type => RequestTypes.Check;
}
