using Qcow2Target.Testing;

namespace Qcow2Target.Admin.Tests;

/// <summary>One run of the command line in this process: what it printed and its exit code.</summary>
internal sealed record AdminRun(int ExitCode, string Output, string Error)
{
    /// <summary>Runs it against <paramref name="server"/>.</summary>
    public static Task<AdminRun> AgainstAsync(FakeControlServer server, params string[] args) =>
        OfAsync([.. args, "--socket", server.SocketPath]);

    public static async Task<AdminRun> OfAsync(params string[] args)
    {
        var output = new StringWriter { NewLine = "\n" };
        var error = new StringWriter { NewLine = "\n" };
        int exitCode = await AdminProgram.RunAsync(args, output, error);
        return new AdminRun(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Checks that it failed as promised: exit code 1, nothing on the standard output, one line on the standard error.</summary>
    public string FailedWithOneLine()
    {
        Assert.Equal(1, ExitCode);
        Assert.Equal("", Output);
        Assert.EndsWith("\n", Error, StringComparison.Ordinal);
        string line = Error[..^1];
        Assert.DoesNotContain('\n', line);
        Assert.StartsWith("qcow2targetadmin: ", line, StringComparison.Ordinal);
        return line;
    }
}
