using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>What is decided for clusters with sub-clusters, of 2 KiB here, over a base of 1 MiB.</summary>
public sealed class StepPlannerTests
{
    private const int K = 1024;
    private const int BaseEnd = 1 << 20;

    private static readonly ClusterGeometry Geometry = new(16, 4, 3, 4 << 20, L2Form.Extended);
    private static readonly HostOffset Host = new(0x50000);
    private readonly L2Table _table = new(0, new HostOffset(0x40000), new ulong[L2Table.WordsIn(Geometry)], Geometry, TableOwnership.Owned);

    private static FillEdge None => default;

    [Fact]
    public void What_is_data_is_written_in_place_and_nothing_beside_it()
    {
        _table.Set(0, L2Entry.OwnedEmpty(Host).WithData(0b110));
        var plan = Write(3 * K, 2 * K);
        Assert.Equal(ClusterAction.InPlace, plan.Action);
        Assert.Equal((None, None), (plan.Head, plan.Tail));
    }

    [Fact]
    public void An_edge_in_a_sub_cluster_of_data_is_left_to_those_who_write_it_in_place()
    {
        _table.Set(0, L2Entry.OwnedEmpty(Host).WithData(0b010));
        var plan = Write(3 * K, 2 * K);
        Assert.Equal(ClusterAction.FillOwn, plan.Action);
        Assert.Equal(None, plan.Head);
        Assert.Equal(new FillEdge(EdgeContent.Copy, K), plan.Tail);
        Assert.Equal(L2Entry.OwnedEmpty(Host).WithData(0b110), plan.Entry);
    }

    [Fact]
    public void Edges_are_what_is_read_there_up_to_the_edge_of_the_sub_cluster()
    {
        _table.Set(0, L2Entry.OwnedEmpty(Host).WithZeros(0b001));
        var plan = Write(512, 3 * K);
        Assert.Equal(ClusterAction.FillOwn, plan.Action);
        Assert.Equal(new FillEdge(EdgeContent.Zeros, 512), plan.Head);
        Assert.Equal(new FillEdge(EdgeContent.Copy, 512), plan.Tail);

        var behindBase = Write(BaseEnd + (5 * K), K);
        Assert.Equal(ClusterAction.Allocate, behindBase.Action);
        Assert.Equal(new FillEdge(EdgeContent.Zeros, K), behindBase.Head);
        Assert.Equal(None, behindBase.Tail);
        Assert.Equal(0b100u, behindBase.Entry.AllocatedSubclusters);
    }

    [Fact]
    public void A_new_cluster_keeps_what_its_other_sub_clusters_said()
    {
        _table.Set(0, L2Entry.Unallocated.WithZeros(0b1001));
        var plan = Write(0, 2 * K);
        Assert.Equal(ClusterAction.Allocate, plan.Action);
        Assert.Equal((0b0001u, 0b1000u), (plan.Entry.AllocatedSubclusters, plan.Entry.ZeroSubclusters));
    }

    [Fact]
    public void A_shared_cluster_moves_whole()
    {
        _table.Set(0, L2Entry.OwnedEmpty(Host).WithData(0b1).WithoutCopied());
        var plan = Write(3 * K, K);
        Assert.Equal(ClusterAction.Allocate, plan.Action);
        Assert.Equal(new FillEdge(EdgeContent.Copy, 3 * K), plan.Head);
        Assert.Equal(new FillEdge(EdgeContent.Copy, 60 * K), plan.Tail);
        Assert.Equal(L2Entry.AllSubclusters, plan.Entry.AllocatedSubclusters);
    }

    [Fact]
    public void Whole_sub_clusters_of_zeros_are_bits_and_the_parts_beside_them_are_written()
    {
        _table.Set(0, L2Entry.OwnedEmpty(Host).WithData(0b1111));
        var zeroing = new Operation(new Zeroing(K, 6 * K, ZeroSpace.Keep));
        var head = Plan(zeroing);
        Assert.Equal((2 * K, ClusterAction.InPlace), (head.Next, head.Clusters.Single().Action));
        zeroing.Cursor = head.Next;
        var middle = Plan(zeroing);
        Assert.Equal((6 * K, ClusterAction.Mark), (middle.Next, middle.Clusters.Single().Action));
        Assert.Equal(L2Entry.OwnedEmpty(Host).WithData(0b1001).WithZeros(0b0110), middle.Clusters.Single().Entry);
        zeroing.Cursor = middle.Next;
        var tail = Plan(zeroing);
        Assert.Equal((7 * K, ClusterAction.InPlace), (tail.Next, tail.Clusters.Single().Action));
    }

    [Theory]
    [InlineData(ZeroSpace.Free, false)]
    [InlineData(ZeroSpace.Keep, true)]
    public void A_cluster_whose_last_data_becomes_zeros_is_given_back_if_space_is_to_be(ZeroSpace space, bool keepsHost)
    {
        _table.Set(0, L2Entry.OwnedEmpty(Host).WithData(0b0110));
        var entry = Plan(new Operation(new Zeroing(2 * K, 4 * K, space))).Clusters.Single().Entry;
        Assert.Equal((keepsHost, 0u, 0b0110u), (entry.HasHost, entry.AllocatedSubclusters, entry.ZeroSubclusters));
    }

    [Fact]
    public void Zeros_where_zeros_are_read_change_nothing()
    {
        _table.Set(0, L2Entry.OwnedEmpty(Host).WithZeros(0b0110));
        Assert.Empty(Plan(new Operation(new Zeroing(2 * K, 4 * K, ZeroSpace.Free))).Clusters);
        Assert.Empty(Plan(new Operation(new Zeroing(BaseEnd, 4 * K, ZeroSpace.Free))).Clusters);
        Assert.Empty(Plan(new Operation(new Zeroing(BaseEnd, 64 * K, ZeroSpace.Keep))).Clusters);
    }

    private ClusterPlan Write(int offset, int length) => Plan(new Operation(new Writing(offset, new byte[length]))).Clusters.Single();

    private StepDraft Plan(Operation operation) => new StepPlanner(Geometry, BaseEnd).Plan(operation, _table);

    private sealed class Writing(long offset, byte[] data) : WriteRequest
    {
        public override long Offset => offset;

        public override ReadOnlyMemory<byte> Data => data;

        protected internal override void Complete(ImageFault? fault) => Assert.Fail("nobody completes what is only planned");
    }

    private sealed class Zeroing(long offset, long length, ZeroSpace space) : ZeroRequest
    {
        public override long Offset => offset;

        public override long Length => length;

        public override ZeroSpace Space => space;

        protected internal override void Complete(ImageFault? fault) => Assert.Fail("nobody completes what is only planned");
    }
}
