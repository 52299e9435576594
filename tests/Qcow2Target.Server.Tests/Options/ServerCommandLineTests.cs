using System.Net;
using Qcow2Target.Actors.Portals;
using Qcow2Target.Server.Options;
using Serilog.Events;

namespace Qcow2Target.Server.Tests.Options;

public sealed class ServerCommandLineTests : IDisposable
{
    private readonly OptionsFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    public void Help_names_every_option(string argument)
    {
        string text = Assert.IsType<TextRequested>(_fixture.Parse(argument)).Text;
        Assert.All(
            [
                "qcow2target", "--config", "--disks-root", "--backing-root", "--state-dir", "--control-socket", "--portal", "--log-level", "--demo",
                "--share", "ADDRESS:PORT", "/tmp/qcow2target.sock", "0.0.0.0:3260 [::]:3260",
            ],
            word => Assert.Contains(word, text, StringComparison.Ordinal));
    }

    [Fact]
    public void Version_is_told() => Assert.Matches(@"^\d+\.\d+\.\d+", Assert.IsType<TextRequested>(_fixture.Parse("--version")).Text);

    [Theory]
    [InlineData("--frobnicate", "--frobnicate")]
    [InlineData("disks", "disks")]
    [InlineData("'--state-dir'", "--state-dir")]
    [InlineData("'--state-dir'", "--state-dir", "a", "--state-dir", "b")]
    public void What_is_no_option_is_refused(string part, params string[] args) =>
        Assert.Contains(part, _fixture.Refuse(args), StringComparison.Ordinal);

    [Fact]
    public void Options_win_over_the_file()
    {
        string first = _fixture.Subdirectory("one");
        string second = _fixture.Subdirectory("two");
        string bases = _fixture.Subdirectory("bases");
        _fixture.WriteFile("akka.hocon", """
            qcow2target {
              disks-roots = ["/nowhere"]
              backing-roots = ["/nowhere"]
              state-dir = "/nowhere"
              control-socket = "/nowhere/s"
              portals = ["192.0.2.1:1"]
              log-level = "error"
              cache-size = 1GiB
            }
            """);
        ServerOptions options = _fixture.Accept(
            "--disks-root", "one", "--disks-root=" + second, "--backing-root", "bases", "--state-dir", "s", "--control-socket", "c.sock",
            "--portal", "127.0.0.1:0", "--portal", "[::1]:3261", "--log-level", "debug");
        Assert.Equal([first, second], options.DisksRoots);
        Assert.Equal([bases], options.BackingRoots);
        Assert.Equal(_fixture["s"], options.StateDir);
        Assert.Equal(_fixture["c.sock"], options.ControlSocket);
        Assert.Equal(
            [
                new PortalOptions(new IPEndPoint(IPAddress.Loopback, 0), PortalOrigin.Configured),
                new PortalOptions(new IPEndPoint(IPAddress.IPv6Loopback, 3261), PortalOrigin.Configured),
            ],
            options.Portals);
        Assert.Equal(LogEventLevel.Debug, options.LogLevel);
        Assert.Equal(1L << 30, options.CacheBytes);
    }

    [Fact]
    public void Directory_that_begins_with_an_at_sign_is_no_response_file()
    {
        string disks = _fixture.Subdirectory("@disks");
        Assert.Equal([disks], _fixture.Accept("--disks-root", "@disks").DisksRoots);
    }

    [Theory]
    [InlineData("--disks-root missing: there is no such directory", "--disks-root", "missing")]
    [InlineData("--backing-root missing: there is no such directory", "--backing-root", "missing")]
    [InlineData("--state-dir : must not be empty", "--state-dir", "")]
    [InlineData("--control-socket missing/s: its directory does not exist", "--control-socket", "missing/s")]
    [InlineData("--portal 127.0.0.1: must be ADDRESS:PORT", "--portal", "127.0.0.1")]
    [InlineData("--portal 127.0.0.1:1: is given twice", "--portal", "127.0.0.1:1", "--portal", "127.0.0.1:1")]
    [InlineData("--log-level loud: must be one of verbose, debug, information", "--log-level", "loud")]
    [InlineData("--share missing.qcow2: there is no such file", "--share", "missing.qcow2")]
    [InlineData("--config missing.hocon: the configuration file cannot be read", "--config", "missing.hocon")]
    public void Wrong_value_is_refused_by_option_and_value(string error, params string[] args) =>
        Assert.StartsWith(error, _fixture.Refuse(args), StringComparison.Ordinal);

    [Fact]
    public void All_that_is_wrong_is_told_at_once() => Assert.Equal(
        3, _fixture.RefuseAll("--disks-root", "missing", "--portal", "x", "--log-level", "loud").Count);

    [Fact]
    public void Demo_and_share_exclude_each_other()
    {
        _fixture.WriteFile("a.qcow2", "");
        Assert.Contains("--demo", _fixture.Refuse("--demo", "--share", "a.qcow2"), StringComparison.Ordinal);
        Assert.True(_fixture.Accept("--demo").Demo);
        Assert.False(_fixture.Accept().Demo);
    }

    [Fact]
    public void Directory_of_a_shared_file_becomes_the_last_disks_root_unless_it_is_inside_one()
    {
        string disks = _fixture.Subdirectory("disks");
        string elsewhere = _fixture.WriteFile("elsewhere/a.qcow2", "");
        string inside = _fixture.WriteFile("disks/jobs/b.qcow2", "");
        string neighbour = _fixture.WriteFile("disks2/c.qcow2", "");
        ServerOptions options = _fixture.Accept("--share", "elsewhere/a.qcow2");
        Assert.Equal(elsewhere, options.SharePath);
        Assert.Equal([disks, Path.GetDirectoryName(elsewhere)!], options.DisksRoots);
        Assert.Equal([disks], _fixture.Accept("--share", inside).DisksRoots);
        Assert.Equal([disks, Path.GetDirectoryName(neighbour)!], _fixture.Accept("--share", neighbour).DisksRoots);
        Assert.Null(_fixture.Accept().SharePath);
    }

    [Fact]
    public void Directory_cannot_be_shared() => Assert.Contains("is a directory", _fixture.Refuse("--share", "."), StringComparison.Ordinal);
}
