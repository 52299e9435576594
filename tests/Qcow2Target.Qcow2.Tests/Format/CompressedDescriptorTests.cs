using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Tests.Format;

public sealed class CompressedDescriptorTests
{
    [Fact]
    public void A_descriptor_of_QEMU_is_read_as_QEMU_means_it()
    {
        var geometry = new ClusterGeometry(16, 4, 3, 1 << 30);
        Assert.True(CompressedDescriptor.TryParse(0x5840_0000_0005_c17b, geometry, out var descriptor));
        Assert.Equal(new CompressedDescriptor(new HostOffset(0x5c17b), 49797), descriptor);
        Assert.Equal((5, 6), descriptor.HostClusters(geometry));
    }

    [Theory]
    [InlineData(9, 1024)]
    [InlineData(12, 8 << 10)]
    [InlineData(16, 128 << 10)]
    [InlineData(21, 4 << 20)]
    public void The_longest_stream_is_two_clusters(int clusterBits, int bytes)
    {
        var geometry = new ClusterGeometry(clusterBits, 4, 3, 1 << 20);
        var sectors = ((1UL << 62) - 1) & ~((1UL << (70 - clusterBits)) - 1);
        Assert.True(CompressedDescriptor.TryParse((1UL << 62) | sectors | 512, geometry, out var descriptor));
        Assert.Equal(bytes, descriptor.AvailableBytes);
    }

    [Fact]
    public void An_offset_of_2_to_the_56_or_more_is_impossible()
    {
        var geometry = new ClusterGeometry(9, 4, 3, 1 << 20);
        Assert.False(CompressedDescriptor.TryParse((1UL << 62) | (1UL << 56), geometry, out _));
        Assert.True(CompressedDescriptor.TryParse((1UL << 62) | (1UL << 55), geometry, out _));
    }
}
