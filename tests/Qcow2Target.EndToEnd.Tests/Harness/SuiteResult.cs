namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>How a test of libiscsi's suite ended, and what it printed.</summary>
internal sealed record SuiteResult(SuiteVerdict Verdict, string Output);
