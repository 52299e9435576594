namespace Qcow2Target.Testing;

/// <summary>What a program that ran to its end said.</summary>
public sealed record ToolResult(string CommandLine, int ExitCode, string Output, string ErrorOutput)
{
    public bool Succeeded => ExitCode == 0;

    /// <exception cref="InvalidOperationException">It did not succeed; the message has all it printed.</exception>
    public ToolResult EnsureSuccess() => Succeeded ? this : throw new InvalidOperationException(ToString());

    public override string ToString() => $"{CommandLine}\nexit code {ExitCode}\n{Output}{ErrorOutput}";
}
