using Qcow2Target.Server.Options;

namespace Qcow2Target.Server.Tests.Options;

public sealed class ConfigSourceTests : IDisposable
{
    private readonly OptionsFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void Every_key_stands_in_the_shipped_file_with_a_comment_and_no_other_does()
    {
        string[] lines = File.ReadAllLines(StartEnvironment.OfProcess().DefaultConfigFile);
        HoconOutline outline = HoconOutline.Read(string.Join('\n', lines));
        string[] ours = [.. outline.Settings.Select(setting => setting.Path).Where(path => path.StartsWith("qcow2target.", StringComparison.Ordinal))];
        Assert.Equal(OptionKeys.All.Order(StringComparer.Ordinal), ours.Order(StringComparer.Ordinal));
        Assert.All(
            outline.Settings.Where(setting => setting.Path.StartsWith("qcow2target.", StringComparison.Ordinal)),
            setting => Assert.StartsWith("#", lines[setting.Line - 2].Trim(), StringComparison.Ordinal));
    }

    [Fact]
    public void Shipped_file_is_the_built_in_configuration()
    {
        var shipped = ConfigSource.Load(StartEnvironment.OfProcess().DefaultConfigFile, new StartEnvironment("/", "/nowhere"));
        Assert.All(OptionKeys.All, key => Assert.Equal(Value(ConfigSource.BuiltIn, key), Value(shipped.Values, key)));

        static string Value(Config config, string key)
        {
            try
            {
                return config.GetString(key);
            }
            catch (FormatException)
            {
                return string.Join(' ', config.GetStringList(key));
            }
        }
    }

    [Theory]
    [InlineData("qcow2target.cache-sise = 1m", "unknown key qcow2target.cache-sise = 1m; did you mean qcow2target.cache-size?")]
    [InlineData("qcow2target {\n zzz = 1\n}", "line 2: unknown key qcow2target.zzz = 1")]
    [InlineData("qcow2target { portals { tag = 1 } }", "unknown key qcow2target.portals.tag")]
    [InlineData("qcow2target = 1", "unknown key qcow2target = 1")]
    [InlineData("qcow2target {", "line 1: the block 'qcow2target' is not closed")]
    [InlineData("qcow2target { } }", "closing brace")]
    [InlineData("a = \"b", "a quote is not closed")]
    [InlineData("a = ${?HOME}", "not supported")]
    [InlineData("a += 1", "+= is not supported")]
    [InlineData("include \"other.hocon\"", "include is not supported")]
    [InlineData("state-dir", "state-dir has no value")]
    public void Malformed_file_is_refused_with_its_name(string text, string part)
    {
        string file = _fixture.WriteFile("akka.hocon", text);
        string error = _fixture.Refuse();
        Assert.StartsWith(file + ": line ", error, StringComparison.Ordinal);
        Assert.Contains(part, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_outside_our_block_are_the_actor_systems()
    {
        _fixture.WriteFile("akka.hocon", "akka.actor.anything = 1\nmy-dispatcher { type = PinnedDispatcher }\n");
        Assert.Equal("PinnedDispatcher", _fixture.Accept().AkkaConfig.GetString("my-dispatcher.type"));
    }

    [Fact]
    public void Empty_file_leaves_the_defaults()
    {
        string file = _fixture.WriteFile("akka.hocon", "");
        ServerOptions options = _fixture.Accept();
        Assert.Equal(file, options.ConfigFile);
        Assert.Equal(TimeSpan.FromSeconds(90), options.ShutdownTimeout);
    }

    [Fact]
    public void File_that_is_not_text_is_refused()
    {
        File.WriteAllBytes(_fixture.DefaultConfigFile, [0xff, 0xfe, 0x00]);
        Assert.Contains("not UTF-8", _fixture.Refuse(), StringComparison.Ordinal);
        File.WriteAllBytes(_fixture.DefaultConfigFile, new byte[ServerLimits.MaxConfigFileBytes + 1]);
        Assert.Contains("larger than", _fixture.Refuse(), StringComparison.Ordinal);
    }

    [Fact]
    public void Directory_is_no_configuration_file() =>
        Assert.Contains("cannot be read", _fixture.Refuse("--config", "."), StringComparison.Ordinal);
}
