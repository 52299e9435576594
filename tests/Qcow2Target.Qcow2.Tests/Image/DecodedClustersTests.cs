using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image;

public sealed class DecodedClustersTests : IDisposable
{
    private const int ClusterBytes = 64 << 10;

    private readonly CacheBudget _budget = new(4 * ClusterBytes);
    private readonly DecodedClusters _clusters;
    private readonly TempDirectory _directory = new();

    public DecodedClustersTests() => _clusters = new DecodedClusters(_budget, ClusterBytes);

    public void Dispose()
    {
        _clusters.Dispose();
        _directory.Dispose();
    }

    private void Add(DecodedClusters clusters, ulong stream)
    {
        var cluster = new byte[ClusterBytes];
        cluster.AsSpan().Fill((byte)stream);
        clusters.Add(stream, cluster);
        Assert.InRange(_budget.UsedBytes, 0, _budget.Bytes);
    }

    private static bool Has(DecodedClusters clusters, ulong stream)
    {
        var read = new byte[16];
        if (!clusters.TryRead(stream, ClusterBytes - 16, read)) return false;
        Assert.All(read, b => Assert.Equal((byte)stream, b));
        return true;
    }

    [Fact]
    public void What_is_kept_is_paid_for_and_what_the_budget_does_not_hold_leaves()
    {
        for (ulong stream = 1; stream <= 20; stream++) Add(_clusters, stream);
        Assert.Equal(4 * ClusterBytes, _budget.UsedBytes);
        Assert.Equal(4, Enumerable.Range(1, 20).Count(stream => Has(_clusters, (ulong)stream)));
        Assert.Equal(16, _budget.Evictions);
    }

    [Fact]
    public void A_cluster_that_is_read_stays_before_one_that_is_not()
    {
        for (ulong stream = 1; stream <= 40; stream++)
        {
            Add(_clusters, stream);
            Assert.True(Has(_clusters, 1));
        }
    }

    [Fact]
    public void Another_file_gets_its_share_and_a_closed_one_gives_all_back()
    {
        for (ulong stream = 1; stream <= 4; stream++) Add(_clusters, stream);
        using (var other = new DecodedClusters(_budget, ClusterBytes))
        {
            for (ulong stream = 5; stream <= 8; stream++) Add(other, stream);
            Assert.True(Has(other, 8));
        }
        _clusters.Dispose();
        Assert.Equal(0, _budget.UsedBytes);
        Add(_clusters, 9);
        Assert.False(Has(_clusters, 9));
        Assert.Equal(0, _budget.UsedBytes);
    }

    [Fact]
    public void A_file_keeps_two_mebibytes_however_much_room_there_is()
    {
        var budget = new CacheBudget(1 << 30);
        using var clusters = new DecodedClusters(budget, ClusterBytes);
        for (ulong stream = 1; stream <= 100; stream++) clusters.Add(stream, new byte[ClusterBytes]);
        Assert.Equal(2 << 20, budget.UsedBytes);
    }

    [Fact]
    public void A_compressed_image_is_read_whole_under_the_budget_and_leaves_nothing_in_it()
    {
        var raw = new byte[64 * ClusterBytes];
        for (var i = 0; i < raw.Length; i++) raw[i] = (byte)(i / ClusterBytes);
        File.WriteAllBytes(_directory["a.raw"], raw);
        QemuImg.Convert(_directory["a.raw"], "raw", _directory["a.qcow2"], "qcow2", "-c");
        var files = new MemoryFiles { ["a"] = new MemoryBlockFile(File.ReadAllBytes(_directory["a.qcow2"])) };
        var cache = new CacheBudget(4 * ClusterBytes);
        using (var image = Qcow2Image.Open(new ImageOpenOptions { Path = "a", Access = ImageAccess.ReadOnly, Files = files, Backings = new BackingImages(files, cache), Cache = cache }))
        {
            var read = new byte[raw.Length];
            image.Read(0, read);
            Assert.True(read.AsSpan().SequenceEqual(raw));
            Assert.InRange(cache.UsedBytes, ClusterBytes, cache.Bytes);
        }
        Assert.Equal(0, cache.UsedBytes);
    }
}
