using System.Buffers.Binary;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Pages.Vpd;

public sealed class BlockLimitsTests
{
    private static uint U32(byte[] page, int offset) => BinaryPrimitives.ReadUInt32BigEndian(page.AsSpan(offset));

    [Fact]
    public void The_limits_are_those_that_commands_keep()
    {
        byte[] page = new Bench().Data([0x12, 1, 0xB0, 0, 255]);

        Assert.Equal(64, page.Length);
        Assert.Equal(0, page[4]);    // WSNZ
        Assert.Equal(255, page[5]);  // COMPARE AND WRITE
        Assert.Equal(8, (page[6] << 8) | page[7]);
        Assert.Equal(65536u, U32(page, 8));
        Assert.Equal(4096u, U32(page, 12));
        Assert.Equal(1048576u, U32(page, 20));
        Assert.Equal(256u, U32(page, 24));
        Assert.Equal(128u, U32(page, 28));
        Assert.Equal(0x8000_0000u, U32(page, 32));
        Assert.Equal(0x7FFFFFUL, BinaryPrimitives.ReadUInt64BigEndian(page.AsSpan(36)));
        Assert.Equal(-1, page.AsSpan(44).IndexOfAnyExcept((byte)0));
    }

    [Theory]
    [InlineData(512, 4096, 8u)]
    [InlineData(512, 512, 1u)]
    [InlineData(2 << 20, 4096, 4096u)]
    public void The_unmap_granularity_is_the_cluster_and_no_less_than_a_physical_block(int clusterBytes, int physicalBytes, uint blocks)
    {
        var device = new MemoryBlockDevice();
        device.Shape = device.Shape with { ClusterBytes = clusterBytes, PhysicalBlockBytes = physicalBytes };

        Assert.Equal(blocks, U32(new Bench(device).Data([0x12, 1, 0xB0, 0, 255]), 28));
    }
}
