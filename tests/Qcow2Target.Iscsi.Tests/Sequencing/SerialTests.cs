using Qcow2Target.Iscsi.Sequencing;

namespace Qcow2Target.Iscsi.Tests.Sequencing;

public sealed class SerialTests
{
    [Theory]
    [InlineData(1u, 2u, true)]
    [InlineData(2u, 1u, false)]
    [InlineData(5u, 5u, false)]
    [InlineData(0xFFFF_FFFFu, 0u, true)]
    [InlineData(0u, 0xFFFF_FFFFu, false)]
    [InlineData(0u, 0x7FFF_FFFFu, true)]
    [InlineData(0u, 0x8000_0000u, false)]
    [InlineData(0x8000_0000u, 0u, false)]
    [InlineData(0u, 0x8000_0001u, false)]
    public void Order_goes_round(uint a, uint b, bool before) => Assert.Equal(before, Serial.IsBefore(a, b));

    [Fact]
    public void The_latest_is_the_one_ahead()
    {
        Assert.Equal(3u, Serial.Latest(0xFFFF_FFF0, 3));
        Assert.Equal(3u, Serial.Latest(3, 0xFFFF_FFF0));
    }
}
