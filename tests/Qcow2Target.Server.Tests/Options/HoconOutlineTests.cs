using Qcow2Target.Server.Options;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Server.Tests.Options;

public sealed class HoconOutlineTests(ITestOutputHelper output)
{
    private const string Sample = """"
        # a comment { with = braces }
        one = 1, two : "2 # no comment"   // a comment
        three.four { five = [1, 2 # three
          , "]"] }
        "six" {
          seven = """a
        "b" }"""
          eight = ${one} and ${three.four.five}
        }
        nine = { ten = http }
        """";

    [Fact]
    public void Settings_are_found_with_path_line_and_value()
    {
        Assert.Equal(
            [
                new HoconSetting("one", 2, "1"),
                new HoconSetting("two", 2, "\"2 # no comment\""),
                new HoconSetting("three.four.five", 3, "[1, 2 # three , \"]\"]"),
                new HoconSetting("six.seven", 6, "\"\"\"a \"b\" }\"\"\""),
                new HoconSetting("six.eight", 8, "${one} and ${three.four.five}"),
                new HoconSetting("nine.ten", 10, "http"),
            ],
            HoconOutline.Read(Sample).Settings);
    }

    [Fact]
    public void Last_setting_of_a_path_counts()
    {
        HoconOutline outline = HoconOutline.Read("a.b = 1\na { b = 2 }\n");
        Assert.Equal(new HoconSetting("a.b", 2, "2"), outline.Find("a.b"));
        Assert.Null(outline.Find("a"));
    }

    [Theory]
    [InlineData("a = [1", "line 1: a: a bracket is not closed")]
    [InlineData("a = 1]", "line 1: a: ']' does not belong here")]
    [InlineData("\n\na = 1 { }", "line 3: a: '{' does not belong here")]
    [InlineData("= 1", "line 1: '=' where a key should be")]
    [InlineData("]", "line 1: ']' where a key should be")]
    [InlineData("a =", "line 1: a has no value")]
    [InlineData("a = ${b", "line 1: a: a substitution is not closed")]
    [InlineData("a = \"b\nc\"", "line 1: a quote is not closed")]
    [InlineData("a = \"\"\"b\nc", "line 2: a quote is not closed")]
    [InlineData("a {\n b {\n}\n", "line 1: the block 'a' is not closed")]
    public void Malformed_text_is_refused_with_its_line(string text, string error) =>
        Assert.Equal(error, Assert.Throws<OptionsException>(() => HoconOutline.Read(text)).Message);

    [Fact]
    public void Nesting_is_bounded() =>
        Assert.Throws<OptionsException>(() => HoconOutline.Read(string.Concat(Enumerable.Repeat("a {", 100_000))));

    [Fact]
    public void Any_text_ends_in_an_outline_or_an_error()
    {
        var random = new RandomSource(output.WriteLine);
        const string pieces = "{}[]=:,.+#\"\\\n $?/ab";
        for (int round = 0; round < 20_000; round++)
        {
            char[] text = [.. Enumerable.Range(0, random.Next(40)).Select(_ => pieces[random.Next(pieces.Length)])];
            try
            {
                HoconOutline.Read(new string(text));
            }
            catch (OptionsException)
            {
                // Refused is fine; anything else fails the test.
            }
        }
    }
}
