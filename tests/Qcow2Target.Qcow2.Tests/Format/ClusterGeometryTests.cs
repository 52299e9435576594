using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Tests.Format;

public sealed class ClusterGeometryTests
{
    [Fact]
    public void Extended_tables_hold_half_as_many_entries()
    {
        var standard = new ClusterGeometry(16, 4, 3, 1L << 30);
        Assert.Equal((8, 8192, 29, 65536), (standard.L2EntryBytes, standard.L2EntryCount, standard.L1Shift, standard.AllocationBytes));
        var extended = new ClusterGeometry(16, 4, 3, 1L << 30, L2Form.Extended);
        Assert.Equal((16, 4096, 28, 2048), (extended.L2EntryBytes, extended.L2EntryCount, extended.L1Shift, extended.AllocationBytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ClusterGeometry(13, 4, 3, 1L << 30, L2Form.Extended));
    }

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(0, 65536, uint.MaxValue)]
    [InlineData(2047, 2, 3)]
    [InlineData(2048, 2048, 2)]
    [InlineData(63 << 10, 1024, 1u << 31)]
    [InlineData((1L << 20) + 4096, 2049, 12)]
    public void A_stretch_touches_its_sub_clusters(long offset, int length, uint subclusters) =>
        Assert.Equal(subclusters, new ClusterGeometry(16, 4, 3, 1L << 30, L2Form.Extended).Subclusters(offset, length));
}
