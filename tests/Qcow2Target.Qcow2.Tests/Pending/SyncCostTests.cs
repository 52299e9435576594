using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Pending;
using Qcow2Target.Qcow2.Tests.Image;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Pending;

/// <summary>What a steady state costs in fdatasyncs, counted at the seam, with a pending log.</summary>
public sealed class SyncCostTests : IDisposable
{
    private const int Cluster = 4096;

    private readonly MemoryPendingFolder _folder = new();
    private readonly List<FaultyBlockFile> _logs = [];
    private readonly FaultyBlockFile _file;
    private readonly WriterDriver _driver;

    public SyncCostTests()
    {
        _folder.Wrap = inner =>
        {
            var log = new FaultyBlockFile(inner);
            _logs.Add(log);
            return log;
        };
        var images = new TestImages { Pending = new PendingLogs(_folder, BootId.Current), Time = new ManualTime() };
        images.Files["t"] = _file = new FaultyBlockFile(images.Create("t", new ImageCreateOptions { VirtualSize = 64 << 20, ClusterBits = 12 }));
        _driver = images.Drive("t");
    }

    [Fact]
    public void A_write_costs_no_sync_whether_it_takes_new_space_or_not()
    {
        Write(0);
        var begun = _file.Syncs;
        for (var cluster = 1; cluster < 500; cluster++) Write(cluster);
        for (var cluster = 0; cluster < 500; cluster++) Write(cluster);
        Assert.Equal(begun, _file.Syncs);
    }

    [Fact]
    public void The_first_write_costs_one_for_its_space_and_one_for_the_mark()
    {
        Assert.Equal(0, _file.Syncs);
        Write(0);
        Assert.Equal(2, _file.Syncs);
        Assert.Single(_logs);
    }

    [Fact]
    public void A_flush_costs_two_where_something_was_linked_since_the_last_and_else_one()
    {
        Write(0);
        Assert.Equal(2, CostOf(() => Flush(1)));
        Assert.Equal(1, CostOf(() => Flush(1)));
        Write(0);
        Assert.Equal(1, CostOf(() => Flush(1)));
        Write(7);
        Assert.Equal(2, CostOf(() => Flush(50)));
    }

    [Fact]
    public void Reserving_costs_one_for_every_thousand_clusters()
    {
        Write(0);
        // Beside those that count 1024 clusters there are those of a new refcount block, one for 2048 clusters here.
        Assert.InRange(CostOf(() =>
        {
            for (var cluster = 1; cluster < 8192; cluster += 32) Write(cluster, 32);
        }) - CommitsForRoom(8192), 0, (8192 / 1024) + (8192 / 2048) + 1);
    }

    [Fact]
    public void A_log_is_never_synced()
    {
        for (var cluster = 0; cluster < 100; cluster++) Write(cluster);
        Flush(1);
        _driver.Close();
        Assert.NotEmpty(_logs);
        Assert.All(_logs, log => Assert.Equal(0, log.Syncs));
    }

    public void Dispose() => _file.Dispose();

    // A log of 4 MiB that is half full makes a commit of two syncs; a record of one entry takes 24 bytes.
    private static int CommitsForRoom(int clusters) => 2 * (int)(clusters * 24L / (2 << 20));

    private int CostOf(Action action)
    {
        var before = _file.Syncs;
        action();
        return _file.Syncs - before;
    }

    private void Write(int cluster, int count = 1) => _driver.WriteThrough((long)cluster * Cluster, new byte[count * Cluster]);

    private void Flush(int together)
    {
        var outcomes = Enumerable.Range(0, together).Select(_ => _driver.Flush()).ToList();
        _driver.RunAll();
        Assert.All(outcomes, outcome => Assert.True(outcome.Succeeded));
    }
}
