using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Tests.Image.Model;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Freed clusters: not given out again while somebody still reads, writes or punches them, and given out again afterwards.</summary>
public sealed class ClusterReuseTests(ITestOutputHelper output)
{
    private const int ClusterSectors = 8;
    private const int Clusters = 256;

    [Theory]
    [InlineData(BlockOperation.TryRead)]
    [InlineData(BlockOperation.Read)]
    public async Task A_cluster_is_not_reused_while_a_read_that_found_it_still_runs(BlockOperation operation)
    {
        var random = new RandomSource(output.WriteLine);
        using var exploration = Prepare(random, out var host);
        exploration.Recording.Live.Cached = operation == BlockOperation.TryRead;
        using var gate = new Gate(exploration.File, (asked, offset) => asked == operation && offset == host);

        var content = new byte[ClusterSectors * 512];
        var reading = Task.Run(() =>
        {
            if (operation == BlockOperation.TryRead) Assert.True(exploration.Image.TryRead(0, content));
            else exploration.Image.Read(0, content);
        });
        await gate.Entered();
        var before = exploration.Recording.Position;
        FreeAndRefill(exploration);
        AssertUntouched(exploration, host, before);
        gate.Release();
        await reading;

        // What it found then: the old content, for the discard and the read ran side by side.
        for (var sector = 0; sector < ClusterSectors; sector++) Assert.Equal(StampModel.Stamp(sector, 1), BitConverter.ToUInt64(content, sector * 512));
        AssertReusedLater(exploration, host);
    }

    [Fact]
    public async Task A_cluster_is_not_reused_while_an_in_place_write_that_found_it_still_runs()
    {
        var random = new RandomSource(output.WriteLine);
        using var exploration = Prepare(random, out var host);
        using var gate = new Gate(exploration.File, (asked, offset) => asked == BlockOperation.Write && offset == host);

        var data = new byte[512];
        data.AsSpan().Fill(0xAB);
        var writing = Task.Run(() => Assert.True(exploration.Image.TryWrite(0, data)));
        await gate.Entered();
        var before = exploration.Recording.Position;
        FreeAndRefill(exploration);
        AssertUntouched(exploration, host, before);
        gate.Release();
        await writing;

        for (var cluster = 1; cluster < Clusters; cluster += 16) exploration.CheckReads(cluster * ClusterSectors, ClusterSectors);
        AssertReusedLater(exploration, host);
    }

    [Fact]
    public void Space_that_is_freed_again_and_again_is_used_again_and_again()
    {
        var random = new RandomSource(output.WriteLine);
        using var exploration = new Exploration(random, Exploration.Create(Clusters * ClusterSectors * 512L, 12), backing: null);
        for (var round = 0; round < 40; round++)
        {
            exploration.Write(0, 64 * ClusterSectors);
            exploration.Quiesce();
            exploration.Driver.Finish(exploration.Flush(), "flush");
            exploration.Zero(0, 64 * ClusterSectors, ZeroSpace.Free);
            exploration.Quiesce();
            exploration.Driver.Finish(exploration.Flush(), "flush");
            exploration.Driver.RunUntilQuiet();
        }
        output.WriteLine($"{exploration.Recording.Length} bytes");
        // 256 KiB of data; two rounds of it, a reserved extent and tables are much less than forty.
        Assert.InRange(exploration.Recording.Length, 0, 5 << 20);
        exploration.CloseClean();
        Assert.Equal(0, new Fsck(exploration.Recording.Live).DataClusters);
    }

    [Fact]
    public void Discarding_without_flushing_frees_space_by_the_timer()
    {
        var random = new RandomSource(output.WriteLine);
        using var exploration = new Exploration(random, Exploration.Create(Clusters * ClusterSectors * 512L, 12), backing: null);
        exploration.Write(0, 64 * ClusterSectors);
        exploration.Quiesce();
        exploration.Zero(0, 64 * ClusterSectors, ZeroSpace.Free);
        exploration.Quiesce();
        Assert.NotNull(exploration.Driver.Writer.NextTick);
        exploration.Driver.RunUntil(() => exploration.Recording.Log.Any(operation => operation.Operation == BlockOperation.Punch), "the space is punched");
    }

    private static Exploration Prepare(RandomSource random, out long host)
    {
        var exploration = new Exploration(random, Exploration.Create(Clusters * ClusterSectors * 512L, 12), backing: null);
        exploration.Write(0, ClusterSectors);
        exploration.Quiesce();
        exploration.Driver.Finish(exploration.Flush(), "flush");
        exploration.Driver.RunUntilQuiet();
        var written = exploration.Recording.Log.Last(operation => operation.Operation == BlockOperation.Write && !operation.Content.IsEmpty
            && operation.Length >= 512 && BitConverter.ToUInt64(operation.Content.Span) == StampModel.Stamp(0, 1));
        host = written.Offset;
        return exploration;
    }

    /// <summary>Discards the first cluster, durably, and writes as much elsewhere as makes the allocator go round.</summary>
    private static void FreeAndRefill(Exploration exploration)
    {
        exploration.Zero(0, ClusterSectors, ZeroSpace.Free);
        exploration.Quiesce();
        exploration.Driver.Finish(exploration.Flush(), "a flush does not wait for a reader");
        for (var cluster = 1; cluster < Clusters; cluster++)
        {
            exploration.Write(cluster * ClusterSectors, ClusterSectors);
            if (cluster % 32 == 0) exploration.Driver.Finish(exploration.Flush(), "flush");
        }
        exploration.Quiesce();
        exploration.Driver.Finish(exploration.Flush(), "flush");
    }

    private static void AssertUntouched(Exploration exploration, long host, int from)
    {
        var touching = exploration.Recording.Log.Skip(from).Where(operation => operation.Operation is BlockOperation.Write or BlockOperation.Punch
            && operation.Offset < host + ClusterSectors * 512 && operation.Offset + operation.Length > host).ToList();
        Assert.True(touching.Count == 0, $"touched while in use: {string.Join(", ", touching)}");
    }

    private static void AssertReusedLater(Exploration exploration, long host)
    {
        exploration.Driver.Finish(exploration.Flush(), "flush");
        exploration.Driver.RunUntil(() => exploration.Recording.Log.Any(operation => operation.Operation == BlockOperation.Punch && operation.Offset <= host
            && operation.Offset + operation.Length > host), "the cluster is punched after the reader left");
        exploration.CloseClean();
    }

    /// <summary>Holds the first matching operation of a file until released.</summary>
    private sealed class Gate : IDisposable
    {
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _open = new();
        private int _armed = 1;

        internal Gate(FaultyBlockFile file, Func<BlockOperation, long, bool> holds) => file.Before = (operation, offset, _) =>
        {
            if (!holds(operation, offset) || Interlocked.Exchange(ref _armed, 0) == 0) return;
            _entered.SetResult();
            Assert.True(_open.Wait(TimeSpan.FromSeconds(30)), "never released");
        };

        internal Task Entered() => _entered.Task.WaitAsync(TimeSpan.FromSeconds(10));

        internal void Release() => _open.Set();

        public void Dispose()
        {
            _open.Set();
        }
    }
}
