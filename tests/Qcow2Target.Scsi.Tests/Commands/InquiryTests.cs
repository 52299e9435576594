using System.Text;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class InquiryTests
{
    private readonly Bench _bench = new();

    [Fact]
    public void Standard_data_names_a_disk()
    {
        byte[] data = _bench.Data([0x12, 0, 0, 0, 255]);

        Assert.Equal(96, data.Length);
        Assert.Equal([0x00, 0x00, 0x06, 0x12, 91, 0x18, 0, 0x02], data.AsSpan(0, 8).ToArray());
        Assert.Equal("QCOW2TGTQCOW2 DISK      0001", Encoding.ASCII.GetString(data, 8, 28));
        Assert.Equal([0x00, 0xA0, 0x09, 0x60, 0x04, 0x60, 0x04, 0xC0], data.AsSpan(58, 8).ToArray());
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(36, 36)]
    [InlineData(96, 96)]
    [InlineData(511, 96)]
    [InlineData(512, 96)]
    [InlineData(65535, 96)]
    public void Data_is_cut_to_the_allocation_length(int allocation, int length) =>
        Assert.Equal(length, _bench.Data([0x12, 0, 0, (byte)(allocation >> 8), (byte)allocation]).Length);

    [Fact]
    public void A_page_without_evpd_is_refused() => Assert.Equal("5/24/00@2", _bench.Refusal([0x12, 0, 1, 0, 255]));

    [Fact]
    public void Command_data_is_refused() => Assert.Equal("5/24/00@1.1", _bench.Refusal([0x12, 2, 0, 0, 255]));

    [Fact]
    public void An_unknown_page_is_refused() => Assert.Equal("5/24/00@2", _bench.Refusal([0x12, 1, 0x87, 0, 255]));

    [Fact]
    public void It_leaves_a_unit_attention_and_ignores_a_reservation()
    {
        ItNexus fresh = Bench.FreshNexus();
        _bench.Data([0x12, 0, 0, 0, 36], nexus: fresh);
        Assert.Equal("6/29/00", _bench.Refusal([0x00], nexus: fresh));

        Assert.Equal("Good", _bench.Refusal([0x16]));
        Assert.Equal(36, _bench.Data([0x12, 0, 0, 0, 36], nexus: fresh).Length);
    }
}
