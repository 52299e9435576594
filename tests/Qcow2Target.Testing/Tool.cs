using System.Diagnostics;

namespace Qcow2Target.Testing;

/// <summary>Runs a program of the system with a time limit and collects what it prints.</summary>
public static class Tool
{
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    /// <exception cref="TimeoutException">It did not end in time and was killed.</exception>
    public static ToolResult Run(string program, IEnumerable<string> arguments, TimeSpan? limit = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["LC_ALL"] = "C";
        var commandLine = $"{program} {string.Join(' ', start.ArgumentList)}";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(limit ?? DefaultLimit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{commandLine}: not ended after {(limit ?? DefaultLimit).TotalSeconds:0} s, killed");
        }
        return new ToolResult(commandLine, process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }
}
