using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Pages.Vpd;

/// <summary>ExtendedInquiryData, BlockDeviceCharacteristics, LogicalBlockProvisioning.</summary>
public sealed class ConstantPagesTests
{
    private readonly Bench _bench = new();

    [Fact]
    public void Extended_inquiry_data_lists_attributes_and_the_volatile_cache()
    {
        byte[] page = _bench.Data([0x12, 1, 0x86, 0, 255]);

        Assert.Equal([0, 0x86, 0, 0x3C, 0, 7, 1, 1], page.AsSpan(0, 8).ToArray());
        Assert.Equal(-1, page.AsSpan(8).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void The_medium_does_not_rotate()
    {
        byte[] page = _bench.Data([0x12, 1, 0xB1, 0, 255]);

        Assert.Equal([0, 0xB1, 0, 0x3C, 0, 1, 0, 0x40, 2], page.AsSpan(0, 9).ToArray());
        Assert.Equal(-1, page.AsSpan(9).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void The_disk_is_thin_and_unmapped_blocks_read_zero() =>
        Assert.Equal([0, 0xB2, 0, 4, 0, 0xE4, 2, 0], _bench.Data([0x12, 1, 0xB2, 0, 255]));
}
