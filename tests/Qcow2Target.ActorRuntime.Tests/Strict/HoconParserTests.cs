namespace Qcow2Target.ActorRuntime.Tests.Strict;

/// <summary>Where Akka's parser loses settings without a word, this one refuses.</summary>
public sealed class HoconParserTests
{
    [Theory]
    [InlineData("a = ${?HOME}")]
    [InlineData("a += 1")]
    [InlineData("include \"other.conf\"")]
    [InlineData("a {")]
    [InlineData("a = 1 }")]
    [InlineData("a = [1, 2")]
    [InlineData("a = \"open")]
    [InlineData("a = \"\"\"open")]
    [InlineData("a = \"\\x\"")]
    [InlineData("a =")]
    [InlineData("a")]
    [InlineData("= 1")]
    [InlineData("a..b = 1")]
    [InlineData("a = ${b}")]
    [InlineData("a = ${a}")]
    [InlineData("a = ${b}\nb = ${a}")]
    [InlineData("a = x { b = 1 }")]
    [InlineData("a = ${b} c\nb { d = 1 }")]
    public void Malformed_text_is_refused(string text) => Assert.Throws<ConfigurationException>(() => ConfigurationFactory.ParseString(text));

    [Fact]
    public void The_error_names_the_line() =>
        Assert.Contains("line 3", Assert.Throws<ConfigurationException>(() => ConfigurationFactory.ParseString("a = 1\nb = 2\nc += 3")).Message, StringComparison.Ordinal);

    [Fact]
    public void Nesting_is_limited() =>
        Assert.Throws<ConfigurationException>(() => ConfigurationFactory.ParseString(string.Concat(Enumerable.Repeat("a {", 100_000))));

    [Theory]
    [InlineData("a = 1.5m")]
    [InlineData("a = 1 KB")]
    [InlineData("a = -1")]
    [InlineData("a = 9999999999 G")]
    [InlineData("a = lots")]
    public void Malformed_sizes_are_refused(string text) => Assert.Throws<FormatException>(() => ConfigurationFactory.ParseString(text).GetByteSize("a"));

    [Theory]
    [InlineData("a = 10 parsecs")]
    [InlineData("a = -5 s")]
    [InlineData("a = 1e30 d")]
    [InlineData("a = \"\"")]
    public void Malformed_times_are_refused(string text) => Assert.Throws<FormatException>(() => ConfigurationFactory.ParseString(text).GetTimeSpan("a"));

    [Fact]
    public void Any_text_is_read_or_refused()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        const string alphabet = "ab.{}[]=:,\"#/$?+\n \\u00e9${";
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Create(random.Next(40), random, (span, r) =>
            {
                for (int at = 0; at < span.Length; at++) span[at] = alphabet[r.Next(alphabet.Length)];
            });
            Exception? thrown = Record.Exception(() => ConfigurationFactory.ParseString(text));
            Assert.True(thrown is null or ConfigurationException, $"seed {seed}, text [{text}]: {thrown}");
        }
    }
}
