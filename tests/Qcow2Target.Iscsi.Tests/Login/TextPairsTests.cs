using System.Text;
using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.Iscsi.Tests.Login;

public sealed class TextPairsTests
{
    [Fact]
    public void Pairs_come_in_order_and_values_may_hold_anything_but_nul()
    {
        Assert.True(TextPairs.TryParse("A=1\0\0B=\0A=x=y\0C=ä\0"u8, out var pairs, out _));
        Assert.Equal([new("A", "1"), new("B", ""), new("A", "x=y"), new("C", "ä")], pairs);
    }

    [Theory]
    [InlineData("A=1")]
    [InlineData("A\0")]
    [InlineData("=1\0")]
    [InlineData("A B=1\0")]
    [InlineData("A\u00e4=1\0")]
    public void Malformed_text_is_refused(string text)
    {
        Assert.False(TextPairs.TryParse(Encoding.UTF8.GetBytes(text), out _, out var problem));
        Assert.NotNull(problem);
    }

    [Fact]
    public void Limits_hold()
    {
        Assert.True(TextPairs.TryParse(Encoding.UTF8.GetBytes(new string('A', 63) + "=1\0"), out _, out _));
        Assert.False(TextPairs.TryParse(Encoding.UTF8.GetBytes(new string('A', 64) + "=1\0"), out _, out _));
        Assert.False(TextPairs.TryParse([(byte)'A', (byte)'=', 0xFF, 0], out _, out _));
        Assert.False(TextPairs.TryParse(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("A=1\0", 257))), out _, out _));
    }
}
