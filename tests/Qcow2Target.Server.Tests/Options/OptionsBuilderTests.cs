using System.Net;
using Qcow2Target.Actors.Portals;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Server.Options;
using Serilog.Events;

namespace Qcow2Target.Server.Tests.Options;

public sealed class OptionsBuilderTests : IDisposable
{
    private readonly OptionsFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void Defaults_run_on_a_fresh_machine_without_any_file()
    {
        ServerOptions options = _fixture.Accept();
        Assert.Null(options.ConfigFile);
        Assert.Equal([_fixture["disks"]], options.DisksRoots);
        Assert.Empty(options.BackingRoots);
        Assert.Equal(_fixture["state"], options.StateDir);
        Assert.Equal("/tmp/qcow2target.sock", options.ControlSocket);
        Assert.Equal(
            [
                new PortalOptions(new IPEndPoint(IPAddress.Any, 3260), PortalOrigin.Default),
                new PortalOptions(new IPEndPoint(IPAddress.IPv6Any, 3260), PortalOrigin.Default),
            ],
            options.Portals);
        Assert.Equal((LogEventLevel.Information, LogLevel.InfoLevel), (options.LogLevel, options.ActorLogLevel));
        Assert.Equal(TimeSpan.FromSeconds(90), options.ShutdownTimeout);
        Assert.Equal(TimeSpan.FromSeconds(30), options.CommandDeadline);
        Assert.Equal(TimeSpan.FromSeconds(10), options.RestorePatience);
        Assert.Equal(TimeSpan.FromSeconds(15), options.LoginTimeout);
        Assert.Equal(TimeSpan.FromSeconds(5), options.NopInterval);
        Assert.Equal(TimeSpan.FromSeconds(10), options.TcpUserTimeout);
        Assert.Equal(256L << 20, options.CacheBytes);
        Assert.Equal(512L << 20, options.TransferBytes);
        Assert.Equal(IdleSpin.On, options.Spin);
        Assert.Equal(DataFileUse.Refused, options.DataFiles);
        Assert.Equal(4096, options.PhysicalBlockBytes);
        Assert.False(options.Demo);
        Assert.False(Directory.Exists(_fixture["disks"]));
    }

    [Fact]
    public void File_that_comes_with_the_program_says_the_same_as_no_file()
    {
        string shipped = StartEnvironment.OfProcess().DefaultConfigFile;
        Assert.True(File.Exists(shipped), $"{shipped} was not copied beside the program");
        ServerOptions with = _fixture.Accept("--config", shipped);
        ServerOptions without = _fixture.Accept();
        Assert.Equal(shipped, with.ConfigFile);
        Assert.Equal(without.Portals, with.Portals);
        Assert.Equal(without.DisksRoots, with.DisksRoots);
        Assert.Equal(Comparable(without), Comparable(with));

        // Lists are equal only to themselves, and are compared above.
        static ServerOptions Comparable(ServerOptions options) =>
            options with { Portals = [], DisksRoots = [], BackingRoots = [], AkkaConfig = Config.Empty, ConfigFile = null };
    }

    [Fact]
    public void Every_setting_of_a_file_is_taken()
    {
        string disks = _fixture.Subdirectory("d");
        string bases = _fixture.Subdirectory("b");
        string file = _fixture.WriteFile("my.hocon", """
            # mine
            qcow2target {
              disks-roots = ["d"]
              backing-roots = [
                "b",   // golden images
              ]
              state-dir = "s"
              control-socket = "c.sock"
              portals = ["[2001:db8::1]:3260"]
              log-level = "warning"
              shutdown-timeout = 2m
              command-deadline = 45s
              restore-patience = 0s
              login-timeout = 1500ms
              nop-interval = 1m
              tcp-user-timeout = 20s
              cache-size = 64MiB
              transfer-memory = 1GiB
              spin = off
              allow-data-files = on
              physical-block-size = 512
            }
            akka.log-dead-letters = off
            """);
        ServerOptions options = _fixture.Accept("--config", "my.hocon");
        Assert.Equal(file, options.ConfigFile);
        Assert.Equal([disks], options.DisksRoots);
        Assert.Equal([bases], options.BackingRoots);
        Assert.Equal(_fixture["s"], options.StateDir);
        Assert.Equal(_fixture["c.sock"], options.ControlSocket);
        Assert.Equal([new PortalOptions(IPEndPoint.Parse("[2001:db8::1]:3260"), PortalOrigin.Configured)], options.Portals);
        Assert.Equal((LogEventLevel.Warning, LogLevel.WarningLevel), (options.LogLevel, options.ActorLogLevel));
        Assert.Equal(TimeSpan.FromMinutes(2), options.ShutdownTimeout);
        Assert.Equal(TimeSpan.FromSeconds(45), options.CommandDeadline);
        Assert.Equal(TimeSpan.Zero, options.RestorePatience);
        Assert.Equal(TimeSpan.FromSeconds(1.5), options.LoginTimeout);
        Assert.Equal(TimeSpan.FromMinutes(1), options.NopInterval);
        Assert.Equal(TimeSpan.FromSeconds(20), options.TcpUserTimeout);
        Assert.Equal(64L << 20, options.CacheBytes);
        Assert.Equal(1L << 30, options.TransferBytes);
        Assert.Equal(IdleSpin.Off, options.Spin);
        Assert.Equal(DataFileUse.Allowed, options.DataFiles);
        Assert.Equal(512, options.PhysicalBlockBytes);
        Assert.Equal("off", options.AkkaConfig.GetString("akka.log-dead-letters"));
        Assert.Equal("off", options.AkkaConfig.GetString("akka.log-dead-letters-during-shutdown"));
    }

    [Fact]
    public void Default_portals_are_recognised_in_a_file_and_not_on_the_command_line()
    {
        _fixture.WriteFile("akka.hocon", """qcow2target.portals = ["0.0.0.0:3260", "0.0.0.0:3261"]""");
        Assert.Equal([PortalOrigin.Default, PortalOrigin.Configured], _fixture.Accept().Portals.Select(portal => portal.Origin));
        Assert.Equal(PortalOrigin.Configured, Assert.Single(_fixture.Accept("--portal", "0.0.0.0:3260").Portals).Origin);
    }

    [Theory]
    [InlineData("disks-roots = [\"gone\"]", "gone: there is no such directory")]
    [InlineData("disks-roots = []", "at least one directory")]
    [InlineData("disks-roots = \"disks\"", "must be a list of strings")]
    [InlineData("backing-roots = [\"gone\"]", "gone: there is no such directory")]
    [InlineData("portals = []", "at least one address")]
    [InlineData("portals = [\"localhost:3260\"]", "localhost:3260: must be ADDRESS:PORT")]
    [InlineData("state-dir = [\"a\"]", "must be a string")]
    [InlineData("log-level = \"loud\"", "loud: must be one of")]
    [InlineData("shutdown-timeout = soon", "= soon: must be a time from 5 s to 1 h")]
    [InlineData("shutdown-timeout = 4s", "= 4s: must be a time from 5 s to 1 h")]
    [InlineData("shutdown-timeout = infinite", "= infinite: must be a time")]
    [InlineData("shutdown-timeout = 90 # ms", "= 90: must be a time")]
    [InlineData("login-timeout = 0s", "= 0s: must be a time from 1 s to 300 s")]
    [InlineData("nop-interval = [1s]", "must be a time")]
    [InlineData("cache-size = much", "= much: must be a size from 1 MiB")]
    [InlineData("cache-size = 1kB", "= 1kB: must be a size from 1 MiB")]
    [InlineData("spin = maybe", "= maybe: must be on or off")]
    [InlineData("allow-data-files = raw", "= raw: must be on or off")]
    [InlineData("physical-block-size = 1024", "= 1024: must be 512 or 4096")]
    [InlineData("physical-block-size = 4k", "= 4k: must be 512 or 4096")]
    public void Wrong_value_in_a_file_is_refused_by_file_line_key_and_value(string setting, string part)
    {
        string file = _fixture.WriteFile("akka.hocon", $"qcow2target {{\n  # one thing is wrong\n  {setting}\n}}\n");
        string error = _fixture.Refuse();
        Assert.StartsWith($"{file}: line 3: qcow2target.{setting.Split(' ')[0]} =", error, StringComparison.Ordinal);
        Assert.Contains(part, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Directory_that_is_a_file_is_refused()
    {
        string file = _fixture.WriteFile("f", "");
        Assert.Contains("is no directory", _fixture.Refuse("--disks-root", file), StringComparison.Ordinal);
        Assert.Contains("is no directory", _fixture.Refuse("--state-dir", file), StringComparison.Ordinal);
        Assert.Contains("is a directory", _fixture.Refuse("--control-socket", _fixture.WorkingDirectory), StringComparison.Ordinal);
    }

    [Fact]
    public void Directory_cannot_be_disks_root_and_backing_root()
    {
        _fixture.Subdirectory("d");
        Assert.Contains("backing root too", _fixture.Refuse("--disks-root", "d", "--backing-root", "./d/"), StringComparison.Ordinal);
    }

    [Fact]
    public void Directory_given_twice_counts_once()
    {
        string disks = _fixture.Subdirectory("d");
        Assert.Equal([disks], _fixture.Accept("--disks-root", "d", "--disks-root", disks + "/").DisksRoots);
    }

    [Fact]
    public void Path_that_no_socket_can_have_is_refused()
    {
        string longest = _fixture.Subdirectory(new string('x', ServerLimits.MaxSocketPathBytes - _fixture.WorkingDirectory.Length - 4)) + "/s1";
        Assert.Equal(ServerLimits.MaxSocketPathBytes, longest.Length);
        Assert.Equal(longest, _fixture.Accept("--control-socket", longest).ControlSocket);
        Assert.Contains("103 bytes", _fixture.Refuse("--control-socket", longest + "2"), StringComparison.Ordinal);
    }
}
