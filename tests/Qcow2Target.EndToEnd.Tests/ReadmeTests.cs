using System.Text.RegularExpressions;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>What the README says holds: its commands, its options, its links.</summary>
public sealed partial class ReadmeTests
{
    private static readonly string Root = Repository.Root;
    private static readonly string Readme = File.ReadAllText(Path.Combine(Root, "README.md"));

    [Theory]
    [InlineData("dotnet run -c Release --project src/Qcow2Target.Server -- --demo")]
    [InlineData("./test.sh")]
    public void It_tells_how_to_begin(string command)
    {
        Assert.Contains($"\n{command}\n", Readme, StringComparison.Ordinal);
        Assert.True(Path.Exists(Path.Combine(Root, command.Split(' ').First(word => word.Contains('/', StringComparison.Ordinal)))));
    }

    [Fact]
    public void The_daemon_knows_every_option_that_is_named()
    {
        string help = Tool.Run(DaemonProcess.Binary, ["--help"]).EnsureSuccess().Output;
        string[] named = [.. Lines().Where(line => line.StartsWith("qcow2target ", StringComparison.Ordinal)).SelectMany(line => Option().Matches(line)).Select(option => option.Value)];
        Assert.NotEmpty(named);
        Assert.All(named, option => Assert.Contains(option, help, StringComparison.Ordinal));
    }

    [Fact]
    public void The_command_line_knows_every_verb_that_is_named()
    {
        string help = Tool.Run(DaemonProcess.AdminBinary, ["--help"]).EnsureSuccess().Output;
        string[] verbs = [.. Lines().Where(line => line.StartsWith("qcow2targetadmin ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1])];
        Assert.NotEmpty(verbs);
        Assert.All(verbs, verb => Assert.Contains(verb, help, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("ARCHITECTURE.md")]
    public void Its_links_lead_to_files_that_are_there(string page) =>
        Assert.All(
            Link().Matches(File.ReadAllText(Path.Combine(Root, page))).Select(link => link.Groups[1].Value),
            link => Assert.True(Path.Exists(Path.Combine(Root, link)), link));

    private static string[] Lines() => Readme.Split('\n');

    [GeneratedRegex("--[a-z-]+")]
    private static partial Regex Option();

    [GeneratedRegex(@"\]\((?!https?:)([^)#]+)[^)]*\)")]
    private static partial Regex Link();
}
