namespace Qcow2Target.Scsi.Tests;

public sealed class LunFieldTests
{
    [Theory]
    [InlineData(0x0000_0000_0000_0000UL, 0)]
    [InlineData(0x0001_0000_0000_0000UL, 1)]
    [InlineData(0x00FF_0000_0000_0000UL, 255)]
    [InlineData(0x4000_0000_0000_0000UL, 0)]
    [InlineData(0x4001_0000_0000_0000UL, 1)]
    [InlineData(0x4100_0000_0000_0000UL, 256)]
    [InlineData(0x7FFF_0000_0000_0000UL, 16383)]
    public void Both_methods_name_a_lun(ulong field, int lun)
    {
        Assert.True(LunField.TryDecode(field, out int decoded));
        Assert.Equal(lun, decoded);
    }

    [Theory]
    [InlineData(0x0100_0000_0000_0000UL)]
    [InlineData(0x3F00_0000_0000_0000UL)]
    [InlineData(0x8000_0000_0000_0000UL)]
    [InlineData(LunField.ReportLunsWellKnown)]
    [InlineData(0x0000_0001_0000_0000UL)]
    [InlineData(0x4001_0000_0000_0001UL)]
    [InlineData(ulong.MaxValue)]
    public void Other_methods_buses_and_levels_name_none(ulong field) => Assert.False(LunField.TryDecode(field, out _));

    [Fact]
    public void Every_lun_is_encoded_as_it_is_decoded()
    {
        for (int lun = 0; lun < ScsiLimits.MaxLuns; lun++)
        {
            ulong field = LunField.Encode(lun);
            Assert.Equal(lun < 256 ? 0UL : 1UL, field >> 62);
            Assert.True(LunField.TryDecode(field, out int decoded) && decoded == lun);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => LunField.Encode(16384));
        Assert.Throws<ArgumentOutOfRangeException>(() => LunField.Encode(-1));
    }
}
