using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Tests.Image.Model;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>One failure at each operation of a workload: what was acknowledged stays, what failed is said, and the image is sound whatever comes next.</summary>
[Trait("Length", "Long")]
public sealed class FaultSweepTests(ITestOutputHelper output)
{
    private const int Operations = 70;

    [Theory]
    [InlineData(9)]
    [InlineData(12)]
    public void A_full_file_system_at_any_write_changes_nothing_and_heals(int clusterBits)
    {
        EachNth(BlockOperation.Write, BlockFileError.NoSpace, clusterBits, [ImageFaultKind.NoSpace], exploration =>
        {
            Assert.Null(exploration.Driver.Writer.Fault);
            exploration.CheckAll();
            exploration.File.Heal();
            exploration.ExpectedFaults.Clear();
            exploration.Run(15);
            exploration.Quiesce();
            var flush = exploration.Flush();
            exploration.Driver.Finish(flush, "flush after the space came back");
            Assert.True(flush.Succeeded, $"{flush.Fault}");
            exploration.CheckAll();
            exploration.CloseClean();
        });
    }

    [Theory]
    [InlineData(9)]
    [InlineData(12)]
    public void A_write_error_at_any_write_leaves_the_image_sound(int clusterBits) =>
        EachNth(BlockOperation.Write, BlockFileError.Io, clusterBits, [ImageFaultKind.WriteError, ImageFaultKind.ReadError], CloseAsFaultTells);

    [Fact]
    public void A_read_error_at_any_read_leaves_the_image_sound() =>
        EachNth(BlockOperation.Read, BlockFileError.Io, 12, [ImageFaultKind.WriteError, ImageFaultKind.ReadError], CloseAsFaultTells);

    [Fact]
    public void A_failed_punch_costs_nothing_but_space() =>
        EachNth(BlockOperation.Punch, BlockFileError.Io, 12, [ImageFaultKind.WriteError], CloseAsFaultTells);

    [Fact]
    public void A_failed_sync_at_any_point_fails_its_flush_and_stops_the_writer()
    {
        EachNth(BlockOperation.Sync, BlockFileError.Io, 12, [ImageFaultKind.WriteError, ImageFaultKind.Closed], exploration =>
        {
            Assert.Equal(ImageFaultKind.WriteError, exploration.Driver.Writer.Fault?.Kind);
            var flush = exploration.Flush();
            exploration.Driver.Finish(flush, "flush after a failed sync");
            Assert.False(flush.Succeeded, "a flush succeeded after a failed sync");
            exploration.CheckAll();
            exploration.Driver.RunUntilQuiet();
            var position = exploration.Recording.Position;
            exploration.Driver.Close(CloseMode.Abandon);
            exploration.Image.Dispose();
            Assert.Equal(0, exploration.Files.OpenCount);
            Assert.Equal(position, exploration.Recording.Position);
        });
    }

    [Fact]
    public void A_disk_that_is_full_for_a_while_serves_reads_and_in_place_writes_and_heals()
    {
        var random = new RandomSource(output.WriteLine);
        for (var round = 0; round < 3; round++)
        {
            using var exploration = new Exploration(random, Exploration.Create(1024 * 512, 12), backing: null);
            exploration.Run(40);
            exploration.Quiesce();
            exploration.ExpectedFaults.Add(ImageFaultKind.NoSpace);
            exploration.File.WritesHalfBeforeFailing = random.Once(2);
            var end = exploration.Recording.Length;
            exploration.File.FailWhen((operation, offset, length) => operation == BlockOperation.Write && offset + length > end, BlockFileError.NoSpace);
            RunTolerant(exploration, 80);
            exploration.CheckAll();
            Assert.Null(exploration.Driver.Writer.Fault);
            exploration.File.Heal();
            exploration.ExpectedFaults.Clear();
            exploration.Run(40);
            exploration.CloseClean();
            exploration.CutPower(30);
        }
    }

    private void EachNth(BlockOperation operation, BlockFileError error, int clusterBits, ImageFaultKind[] expected, Action<Exploration> afterwards)
    {
        var seeds = new RandomSource(output.WriteLine);
        // An image with a past, so that tables are loaded and clusters freed.
        using var past = new Exploration(seeds, Exploration.Create(1024 * 512, clusterBits), backing: null);
        past.Run(40);
        past.CloseClean();
        var disk = past.Recording.Live;
        var stamps = past.StampsOf(disk);
        // Not every workload has operations of each kind.
        var failed = 0;
        for (var tries = 0; failed == 0 && tries < 10; tries++) failed = EachNth(operation, error, disk, stamps, seeds.Next(), expected, afterwards);
        output.WriteLine($"{failed} failures tried");
        Assert.NotEqual(0, failed);
    }

    private static int EachNth(
        BlockOperation operation, BlockFileError error, MemoryBlockFile disk, Func<int, ulong> stamps, int seed, ImageFaultKind[] expected, Action<Exploration> afterwards)
    {
        var failed = 0;
        for (var nth = 1; ; nth += 1 + nth / 6)
        {
            var random = new RandomSource(static _ => { }, seed);
            using var exploration = new Exploration(random, disk.Copy(), backing: null, initial: stamps);
            exploration.Recording.Live.Cached = operation != BlockOperation.Read;
            exploration.File.WritesHalfBeforeFailing = nth % 2 == 0;
            exploration.File.FailNth(operation, nth, error);
            foreach (var kind in expected) exploration.ExpectedFaults.Add(kind);
            var before = exploration.File.Count(operation);
            try
            {
                RunTolerant(exploration, Operations);
                if (exploration.File.Count(operation) - before < nth) return failed;
                failed++;
                afterwards(exploration);
                var position = exploration.Recording.Position;
                exploration.CheckDisk(exploration.Recording.AfterKill(position), position, () => $"kill at the end");
                exploration.CutPower(8);
            }
            catch (Exception exception) when (exception is not Xunit.Sdk.SkipException)
            {
                throw new InvalidOperationException($"{operation} number {nth} fails with {error}", exception);
            }
        }
    }

    /// <summary>The direct paths throw what the others report.</summary>
    private static void RunTolerant(Exploration exploration, int operations)
    {
        for (var operation = 0; operation < operations; operation++)
        {
            try
            {
                exploration.Run(1);
            }
            catch (ImageFaultException exception) when (exploration.ExpectedFaults.Contains(exception.Fault.Kind))
            {
                exploration.Faults.Add(exception.Fault);
            }
        }
        exploration.Quiesce();
        // Until what was linked is committed and what was freed is punched, by the timer.
        exploration.Driver.RunUntil(() => exploration.Driver.Writer is { NextTick: null, IsIdle: true }, "everything settled");
    }

    private static void CloseAsFaultTells(Exploration exploration)
    {
        exploration.CheckAll();
        exploration.Driver.Close(exploration.Driver.Writer.Fault is null ? CloseMode.Commit : CloseMode.Abandon);
        exploration.Image.Dispose();
        Assert.Equal(0, exploration.Files.OpenCount);
    }
}
