using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>What the writer does when the machine, or the image, is at fault.</summary>
public sealed class WriterFaultTests(ITestOutputHelper output)
{
    private const int Cluster = 65536;

    private readonly TestImages _images = new();

    [Fact]
    public void A_full_file_system_fails_the_write_and_the_next_one_succeeds_when_there_is_space()
    {
        var (file, faulty) = Create();
        var driver = _images.Drive("t");
        driver.WriteThrough(0, new byte[Cluster]);
        faulty.FailWhen((operation, _, _) => operation == BlockOperation.Write, BlockFileError.NoSpace);
        var refused = driver.Write(Cluster, new byte[Cluster]);
        driver.RunAll();
        Assert.Equal(ImageFaultKind.NoSpace, refused.Fault?.Kind);
        Assert.Null(driver.Writer.Fault);

        faulty.Heal();
        var data = new RandomSource(output.WriteLine).Bytes(Cluster);
        driver.WriteThrough(Cluster, data);
        AssertReads(driver.Image, Cluster, data);
        driver.Close();
        Assert.Null(driver.Writer.Fault);
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void Whichever_write_meets_a_full_file_system_nothing_is_lost_and_nothing_contradicts_itself(int nth)
    {
        var (file, faulty) = Create(clusterBits: 9, size: 4 << 20);
        var driver = _images.Drive("t");
        var random = new RandomSource(output.WriteLine);
        var model = new byte[4 << 20];
        driver.WriteThrough(0, new byte[512]);
        faulty.WritesHalfBeforeFailing = true;
        for (var round = 0; round < 30; round++)
        {
            faulty.FailNth(BlockOperation.Write, nth, BlockFileError.NoSpace);
            // Long enough to need new L2 tables, new refcount blocks and, on the way, a larger refcount table.
            var data = random.Bytes(100_000);
            var offset = random.Next(4 << 20) & ~511;
            data = data[..Math.Min(data.Length, (4 << 20) - offset)];
            var outcome = driver.Write(offset, data);
            var flush = driver.Flush();
            driver.RunAll();
            faulty.Heal();
            if (outcome.Succeeded) data.CopyTo(model, offset);
            else Assert.Equal(ImageFaultKind.NoSpace, outcome.Fault!.Kind);
            Assert.True(flush.Succeeded || flush.Fault!.Kind == ImageFaultKind.NoSpace);
            // A request that failed may have been done in part; done again it is done.
            driver.WriteThrough(offset, data);
            data.CopyTo(model, offset);
            Assert.Null(driver.Writer.Fault);
        }
        driver.Close();
        Assert.Null(driver.Writer.Fault);
        TestImages.AssertChecked(file, CheckVerdict.Clean);
        using var image = _images.Open("t", ImageAccess.ReadOnly);
        Workload.AssertSame(model, TestImages.ReadAll(image));
    }

    [Fact]
    public void A_failed_sync_fails_the_flushes_that_wait_and_everything_written_later()
    {
        var (_, faulty) = Create();
        var driver = _images.Drive("t");
        driver.WriteThrough(0, new byte[Cluster]);
        var (first, second) = (driver.Flush(), driver.Flush());
        faulty.FailNth(BlockOperation.Sync, 1, BlockFileError.Io);
        driver.RunAll();
        Assert.Equal(ImageFaultKind.WriteError, first.Fault?.Kind);
        Assert.Equal(ImageFaultKind.WriteError, second.Fault?.Kind);
        Assert.Equal(ImageFaultKind.WriteError, driver.Writer.Fault?.Kind);

        // The sync after it succeeds, which says nothing of what the failed one lost.
        Assert.False(driver.Image.TryWrite(0, new byte[512]));
        var (write, flush) = (driver.Write(0, new byte[512]), driver.Flush());
        driver.RunAll();
        Assert.Equal(ImageFaultKind.WriteError, write.Fault?.Kind);
        Assert.Equal(ImageFaultKind.WriteError, flush.Fault?.Kind);
        AssertReads(driver.Image, 0, new byte[512]);
        driver.Close(CloseMode.Abandon);
        Assert.Equal(0, _images.Files.OpenCount);
    }

    [Fact]
    public void A_failed_sync_while_clusters_are_reserved_ends_writing_too()
    {
        var (_, faulty) = Create();
        var driver = _images.Drive("t");
        faulty.FailNth(BlockOperation.Sync, 1, BlockFileError.Io);
        var write = driver.Write(0, new byte[512]);
        driver.RunAll();
        Assert.Equal(ImageFaultKind.WriteError, write.Fault?.Kind);
        Assert.Equal(ImageFaultKind.WriteError, driver.Writer.Fault?.Kind);
        driver.Close(CloseMode.Commit);
        Assert.Equal(ImageFaultKind.WriteError, driver.Writer.Fault?.Kind);
    }

    [Fact]
    public void A_write_that_fails_leaves_the_disk_as_it_was_and_the_image_in_service()
    {
        var (file, faulty) = Create();
        var driver = _images.Drive("t");
        driver.WriteThrough(0, new byte[512]);
        faulty.FailWhen((operation, offset, _) => operation == BlockOperation.Write && offset >= 5 * Cluster, BlockFileError.Io);
        var write = driver.Write(10 * Cluster, new byte[] { 1, 2, 3 });
        driver.RunAll();
        Assert.Equal(ImageFaultKind.WriteError, write.Fault?.Kind);
        faulty.Heal();
        AssertReads(driver.Image, 10 * Cluster, new byte[3]);
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    [Fact]
    public void A_reserved_cluster_that_turns_out_to_be_used_sets_the_corrupt_bit_and_nothing_else_is_written()
    {
        var (file, faulty) = Create();
        var driver = _images.Drive("t");
        driver.WriteThrough(0, new byte[512]);
        driver.Flush();
        driver.RunAll();
        // Behind our back, as a second writer without locks would: the L1 entry now points at the refcount table.
        var before = file.ToArray();
        var writes = faulty.Writes;
        driver.Writer.Metadata[(file.Length >> 16) + 1] = MetadataKind.L2Table;
        var refused = driver.Write(20 * Cluster, new byte[512]);
        driver.RunAll();
        Assert.Equal(ImageFaultKind.Corrupt, refused.Fault?.Kind);
        Assert.Equal(ImageFaultKind.Corrupt, driver.Writer.Fault?.Kind);
        Assert.Equal(writes + 1, faulty.Writes);
        before[79] |= 2;
        Assert.Equal(before, file.ToArray());
        Assert.False(driver.Image.TryWrite(0, new byte[512]));
        driver.Close(CloseMode.Abandon);
        var refusal = Assert.Throws<Qcow2FormatException>(() => _images.Open("t"));
        Assert.Equal(Qcow2FormatError.ReadOnlyFeature, refusal.Error);
    }

    [Fact]
    public void Autoclear_bits_are_cleared_durably_before_the_first_change_and_not_before()
    {
        var (file, faulty) = Create();
        file.Write(88, [0, 0, 1, 0, 0, 0, 0, 1]);
        var driver = _images.Drive("t");
        Assert.False(driver.Image.TryWrite(0, new byte[512]));
        driver.Flush();
        driver.RunAll();
        Assert.Equal(1, file.ToArray()[95]);
        var operations = new List<(BlockOperation Operation, long Offset)>();
        faulty.Before = (operation, offset, _) => operations.Add((operation, offset));
        driver.WriteThrough(0, new byte[512]);
        Assert.Equal(new byte[8], file.ToArray()[88..96]);
        Assert.Equal([(BlockOperation.Write, 88), (BlockOperation.Sync, 0)], operations.Take(2));
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    [Fact]
    public void After_a_close_begins_nothing_new_is_taken_and_what_was_submitted_is_finished()
    {
        var (file, _) = Create();
        var driver = _images.Drive("t");
        var before = driver.Write(0, new byte[] { 7 });
        driver.Writer.BeginClose(CloseMode.Commit);
        var after = driver.Write(1, new byte[] { 8 });
        driver.RunAll();
        driver.Close();
        Assert.True(before.Succeeded);
        Assert.Equal(ImageFaultKind.Closed, after.Fault?.Kind);
        TestImages.AssertChecked(file, CheckVerdict.Clean);
        using var image = _images.Open("t", ImageAccess.ReadOnly);
        AssertReads(image, 0, [7, 0]);
    }

    [Fact]
    public async Task A_freed_cluster_is_neither_punched_nor_given_out_while_a_read_that_looked_it_up_still_runs()
    {
        var (_, faulty) = Create();
        var driver = _images.Drive("t");
        driver.WriteThrough(0, Enumerable.Repeat((byte)9, Cluster).ToArray());
        using var entered = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        var read = new byte[Cluster];
        faulty.Before = (operation, _, _) =>
        {
            if (operation != BlockOperation.Read) return;
            entered.Set();
            leave.Wait();
        };
        var reader = Task.Run(() => driver.Image.Read(0, read));
        entered.Wait();
        faulty.Before = null;
        driver.Writer.RefillClusters = 2;
        driver.Zero(0, Cluster, ZeroSpace.Free);
        var flush = driver.Flush();
        for (var turns = 0; turns < 100; turns++) driver.Turn();
        for (var i = 1; i < 100; i++) driver.Write((long)i * Cluster, new byte[512]);
        for (var turns = 0; turns < 2000; turns++) driver.Turn();
        var punchedEarly = faulty.Punches;
        leave.Set();
        await reader;
        Assert.True(flush.Succeeded);
        Assert.Equal(0, punchedEarly);
        Assert.True(read.AsSpan().IndexOfAnyExcept((byte)9) < 0, "it read something else");
        driver.RunAll();
        Assert.Equal(1, faulty.Punches);
        driver.Close();
    }

    private (MemoryBlockFile File, FaultyBlockFile Faulty) Create(int clusterBits = 16, long size = 1L << 30)
    {
        var file = _images.Create("t", new ImageCreateOptions { VirtualSize = size, ClusterBits = clusterBits });
        var faulty = new FaultyBlockFile(file);
        _images.Files["t"] = faulty;
        return (file, faulty);
    }

    private static void AssertReads(Qcow2Image image, long offset, byte[] expected)
    {
        var read = new byte[expected.Length];
        image.Read(offset, read);
        Workload.AssertSame(expected, read);
    }
}
