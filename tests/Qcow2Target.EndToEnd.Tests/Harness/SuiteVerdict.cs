namespace Qcow2Target.EndToEnd.Tests.Harness;

internal enum SuiteVerdict
{
    Passed,
    Skipped,
    Failed,
    Hung,
}
