namespace Qcow2Target.ActorRuntime.Tests.Configuration;

public sealed class ConfigTests
{
    private static readonly Config Sample = ConfigurationFactory.ParseString("""
        # a comment
        qcow2target {
          name = "disk server"     // another
          path = "/var/lib/qcow2"
          nested {
            port = 3260
            ratio = 0.5
            on = on
            off = false
            big = 9000000000
          }
          nested.more = "merged"
          nested { port = 3261 }
          list = ["a", "b c"]
          empty = []
          times { a = 10 s, b = 1.5 m
            c = 100
            d = 250ms
            e = 2h
            f = infinite
          }
          sizes {
            a = 4096
            b = 64k
            c = 64 KiB
            d = 10 kB
            e = 1m
            f = 2GiB
          }
          copy = ${qcow2target.path}
        }
        """);

    [Fact]
    public void Values_are_read_by_path()
    {
        Assert.Equal("disk server", Sample.GetString("qcow2target.name"));
        Assert.Equal(3261, Sample.GetInt("qcow2target.nested.port"));
        Assert.Equal(0.5, Sample.GetDouble("qcow2target.nested.ratio"));
        Assert.True(Sample.GetBoolean("qcow2target.nested.on"));
        Assert.False(Sample.GetBoolean("qcow2target.nested.off", true));
        Assert.Equal(9000000000, Sample.GetLong("qcow2target.nested.big"));
        Assert.Equal("merged", Sample.GetString("qcow2target.nested.more"));
        Assert.Equal(["a", "b c"], Sample.GetStringList("qcow2target.list"));
        Assert.Empty(Sample.GetStringList("qcow2target.empty"));
        Assert.Equal("/var/lib/qcow2", Sample.GetString("qcow2target.copy"));
    }

    [Fact]
    public void A_missing_key_gives_the_default()
    {
        Assert.Null(Sample.GetString("nothing.here"));
        Assert.Equal("x", Sample.GetString("nothing.here", "x"));
        Assert.Equal(7, Sample.GetInt("nothing", 7));
        Assert.True(Sample.GetBoolean("nothing", true));
        Assert.Equal(TimeSpan.FromSeconds(3), Sample.GetTimeSpan("nothing", TimeSpan.FromSeconds(3)));
        Assert.Null(Sample.GetConfig("nothing"));
        Assert.False(Sample.HasPath("nothing"));
        Assert.True(Sample.HasPath("qcow2target.nested"));
        Assert.Equal(5, Sample.GetByteSize("nothing", 5));
    }

    [Theory]
    [InlineData("a", 10_000)]
    [InlineData("b", 90_000)]
    [InlineData("c", 100)]
    [InlineData("d", 250)]
    [InlineData("e", 7_200_000)]
    [InlineData("f", -1)]
    public void Times_have_units(string key, double milliseconds) =>
        Assert.Equal(milliseconds, Sample.GetTimeSpan("qcow2target.times." + key).TotalMilliseconds);

    [Theory]
    [InlineData("a", 4096)]
    [InlineData("b", 65536)]
    [InlineData("c", 65536)]
    [InlineData("d", 10_000)]
    [InlineData("e", 1 << 20)]
    [InlineData("f", 2L << 30)]
    public void Sizes_have_units(string key, long bytes) => Assert.Equal(bytes, Sample.GetByteSize("qcow2target.sizes." + key));

    [Fact]
    public void A_value_of_the_wrong_kind_is_an_error()
    {
        Config config = "a = hello";
        foreach (Action read in new Action[] { () => config.GetInt("a"), () => config.GetLong("a"), () => config.GetDouble("a"), () => config.GetBoolean("a") })
        {
            Exception thrown = Assert.ThrowsAny<Exception>(read);
            Assert.True(thrown is FormatException or NotSupportedException, thrown.GetType().ToString());
        }
    }

    [Fact]
    public void A_fallback_fills_the_gaps_and_lists_are_not_joined()
    {
        Config config = ConfigurationFactory.ParseString("a { b = 1, list = [x] }").WithFallback("a { b = 2\n c = 3\n list = [y, z] }\nd = 4");
        Assert.Equal(1, config.GetInt("a.b"));
        Assert.Equal(3, config.GetInt("a.c"));
        Assert.Equal(4, config.GetInt("d"));
        Assert.Equal(["x"], config.GetStringList("a.list"));
        Assert.Equal(3, config.GetConfig("a").GetInt("c"));
    }

    [Fact]
    public void Empty_is_empty()
    {
        Assert.True(ConfigurationFactory.Empty.IsEmpty);
        Assert.True(ConfigurationFactory.ParseString("").IsEmpty);
        Assert.False(Sample.IsEmpty);
    }
}
