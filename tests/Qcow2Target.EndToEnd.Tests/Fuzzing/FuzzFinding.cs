namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>The target has done what no rule lets it do.</summary>
internal sealed class FuzzFinding(string what, Exception? inner = null) : Exception(what, inner);
