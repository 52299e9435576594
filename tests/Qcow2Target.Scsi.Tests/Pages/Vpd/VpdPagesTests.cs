using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Pages.Vpd;

public sealed class VpdPagesTests
{
    private readonly Bench _bench = new();

    [Fact]
    public void The_list_is_ascending_and_every_page_in_it_is_readable()
    {
        byte[] list = _bench.Data([0x12, 1, 0, 0, 255]);

        Assert.Equal([0, 0, 0, 8, 0x00, 0x80, 0x83, 0x86, 0x8F, 0xB0, 0xB1, 0xB2], list);
        foreach (byte code in list.AsSpan(4))
        {
            byte[] page = _bench.Data([0x12, 1, code, 0, 255]);
            Assert.Equal(0, page[0]);
            Assert.Equal(code, page[1]);
            Assert.Equal(page.Length - 4, (page[2] << 8) | page[3]);
        }
    }

    [Fact]
    public void A_page_is_cut_to_the_allocation_length_but_its_length_field_is_not()
    {
        byte[] page = _bench.Data([0x12, 1, 0xB0, 0, 4]);

        Assert.Equal([0, 0xB0, 0, 0x3C], page);
    }
}
