using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Qcow2.Tests.Image;

public sealed class ClusterPoolTests
{
    [Fact]
    public void Clusters_come_in_the_order_of_the_file_and_side_by_side()
    {
        var pool = new ClusterPool();
        pool.Add(new Extent(50, 10));
        pool.Add(new Extent(10, 4));
        Assert.Equal(14, pool.Count);
        Assert.Equal(new Extent(10, 3), pool.Take(3));
        Assert.Equal(new Extent(13, 1), pool.Take(3));
        Assert.Equal(new Extent(50, 10), pool.Take(100));
        Assert.Equal(0, pool.Count);
    }

    [Fact]
    public void What_is_given_back_joins_its_neighbours_on_both_sides()
    {
        var pool = new ClusterPool();
        pool.Add(new Extent(10, 5));
        pool.Add(new Extent(20, 5));
        pool.Add(new Extent(40, 5));
        pool.Add(new Extent(15, 5));
        Assert.Equal([new Extent(10, 15), new Extent(40, 5)], pool.Extents);
        Assert.Equal(20, pool.Count);
    }
}
