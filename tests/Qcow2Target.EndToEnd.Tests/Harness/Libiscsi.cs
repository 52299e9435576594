using System.Text.RegularExpressions;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>The programs of libiscsi.</summary>
internal static class Libiscsi
{
    public static string Ls(string portalUrl) => Tool.Run("iscsi-ls", ["-s", portalUrl]).EnsureSuccess().Output;

    public static string Inquiry(string url, params string[] options) => Tool.Run("iscsi-inq", [.. options, url]).EnsureSuccess().Output;

    public static string ReadCapacity16(string url, params string[] options) => Tool.Run("iscsi-readcapacity16", [.. options, url]).EnsureSuccess().Output;

    /// <summary>The leaf tests of the installed iscsi-test-cu that go over SCSI and iSCSI, as <c>Suite.Test</c>.</summary>
    public static IEnumerable<string> ListTests() =>
        from line in Tool.Run("iscsi-test-cu", ["--list"]).EnsureSuccess().Output.Split('\n', StringSplitOptions.TrimEntries)
        let parts = line.Split('.')
        where parts.Length == 3 && parts[0] == "ALL"
        select $"{parts[1]}.{parts[2]}";

    /// <summary>Runs one leaf test, with data loss and sanitizing allowed.</summary>
    /// <param name="test">Its name.</param>
    /// <param name="urls">The LUN; twice for two paths.</param>
    /// <param name="limit">Beyond it the test hangs.</param>
    public static SuiteResult RunTest(string test, string[] urls, TimeSpan limit)
    {
        try
        {
            ToolResult result = Tool.Run("iscsi-test-cu", ["-d", "-S", "-t", $"ALL.{test}", .. urls], limit);
            string output = result.Output + result.ErrorOutput;
            // What stands before and behind that is said by the suite's set-up, not by the test.
            // A test may say [FAILED] of a command whose failure it goes on to approve.
            Match ofTest = Regex.Match(output, @"Test: .*?(?<!\[)(passed|FAILED)", RegexOptions.Singleline);
            SuiteVerdict verdict = !result.Succeeded || ofTest.Groups[1].Value != "passed" ? SuiteVerdict.Failed
                : ofTest.Value.Contains("[SKIPPED]", StringComparison.Ordinal) ? SuiteVerdict.Skipped
                : SuiteVerdict.Passed;
            return new SuiteResult(verdict, output);
        }
        catch (TimeoutException hung)
        {
            return new SuiteResult(SuiteVerdict.Hung, hung.Message);
        }
    }
}
