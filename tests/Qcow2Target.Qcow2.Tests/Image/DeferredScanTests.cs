using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Images that are served before all their metadata was looked through.</summary>
[Trait("Length", "Long")]
public sealed class DeferredScanTests
{
    private const long Tera = 1L << 40;
    private const long Giga = 1L << 30;

    [Fact]
    public void A_large_image_opens_with_few_reads_and_little_memory_and_reads_at_once()
    {
        var file = new MemoryBlockFile();
        var last = SparseImage.Write(file, Tera, 100 * Giga);
        file.Write((last + 1) * SparseImage.ClusterBytes - 512, [7]);
        long bytesRead = 0;
        var counting = new FaultyBlockFile(file) { Before = (operation, _, length) => bytesRead += operation == BlockOperation.Read ? length : 0 };
        var before = GC.GetAllocatedBytesForCurrentThread();

        var image = Open(counting, TimeSpan.Zero);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
        Assert.InRange(counting.Reads, 1, 5);
        Assert.InRange(bytesRead, 1, 1 << 20);
        var sector = new byte[512];
        image.Read((100 * Giga) - 512, sector);
        Assert.Equal(7, sector[0]);
        Assert.False(image.TryWrite(0, sector), "nothing is written before the scan");
        Assert.InRange(counting.Reads, 1, 8);

        var driver = new WriterDriver(image);
        driver.WriteThrough(100 * Giga, sector);
        image.Read(0, sector);
        Assert.True(image.TryWrite(0, sector));
        driver.Close();
        Assert.Equal(CheckOutcome.Clean, ImageChecker.Check(file).Outcome);
    }

    [Fact]
    public void Writes_wait_for_the_scan_and_flushes_do_not()
    {
        var images = Holding(Small());
        var image = OpenLater(images);
        image.Writer!.Drain();
        Assert.True(image.Writer.TryTakeWork(out var scan));
        Assert.False(image.Writer.TryTakeWork(out _));
        var driver = new WriterDriver(image);

        var write = driver.Write(5000, new byte[10]);
        var flush = driver.Flush();
        for (var i = 0; i < 20; i++) driver.Turn();

        Assert.True(flush.Succeeded);
        Assert.False(write.IsCompleted);
        scan.Execute();
        image.Writer.WorkDone(scan);
        driver.RunAll();
        Assert.True(write.Succeeded);
        driver.Close();
    }

    [Fact]
    public void Damage_found_behind_the_opening_ends_writing_before_a_byte_was_written()
    {
        var file = Small();
        var header = ImageHeader.ReadFrom(file);
        // A cluster that is in use has no count.
        file.Write(BlockOf(file, header) + 8, [0, 0]);
        var recording = new RecordingBlockFile(file);
        var driver = new WriterDriver(OpenLater(Holding(recording)));
        var expected = new byte[100];
        driver.Image.Read(0, expected);

        var write = driver.Write(0, new byte[100_000]);
        var flush = driver.Flush();
        driver.RunAll();

        Assert.Equal(ImageFaultKind.ReadOnly, write.Fault!.Kind);
        Assert.Equal(ImageFaultKind.ReadOnly, driver.Writer.Fault!.Kind);
        Assert.True(flush.Succeeded, "there is nothing to flush");
        Assert.False(driver.Image.TryWrite(0, new byte[1]));
        driver.Image.Read(0, new byte[100]);
        driver.Close();
        Assert.DoesNotContain(recording.Log, operation => operation.Operation == BlockOperation.Write);
    }

    [Fact]
    public void A_cluster_that_only_claims_to_be_its_own_is_not_written_in_place_although_its_table_was_read_before()
    {
        var file = Small();
        // Counted twice: something that is not seen may use it.
        file.Write(BlockOf(file, ImageHeader.ReadFrom(file)) + 10, [0, 2]);
        var driver = new WriterDriver(OpenLater(Holding(file)));
        driver.Image.Read(0, new byte[512]);
        driver.RunAll();

        var entry = new byte[8];
        Assert.False(driver.Image.TryWrite(0, new byte[1]));
        driver.WriteThrough(0, new byte[65536]);
        driver.Close();
        var content = new byte[65536];
        file.Reopen().Read(5 * 65536, content);
        Assert.All(content, value => Assert.Equal(1, value));
    }

    [Fact]
    public void A_close_does_not_wait_for_the_scan_where_nothing_was_asked_for()
    {
        var image = OpenLater(Holding(Small()));
        image.Writer!.Drain();
        Assert.True(image.Writer.TryTakeWork(out var scan));

        image.Writer.BeginClose(CloseMode.Commit);
        image.Writer.Drain();
        scan.Execute();
        image.Writer.WorkDone(scan);
        var driver = new WriterDriver(image);
        driver.Close();

        Assert.Null(image.Writer.Fault);
    }

    [Fact]
    public void A_file_that_cannot_be_read_ends_the_scan_and_the_image_is_to_be_opened_anew()
    {
        var faulty = new FaultyBlockFile(Small());
        var driver = new WriterDriver(OpenLater(Holding(faulty)));
        faulty.FailWhen((operation, _, _) => operation == BlockOperation.Read, BlockFileError.Io);

        var write = driver.Write(0, new byte[10]);
        driver.RunAll();

        Assert.Equal(ImageFaultKind.ReadError, write.Fault!.Kind);
        Assert.Equal(ImageFaultKind.ReadError, driver.Writer.Fault!.Kind);
        driver.Close(CloseMode.Abandon);
    }

    [Fact]
    public void What_an_unclean_end_has_leaked_is_taken_into_use_by_a_scan_behind_the_opening()
    {
        var file = Small();
        var driver = Holding(file).Drive("t");
        driver.WriteThrough(1 << 20, new byte[300_000].Select(_ => (byte)9).ToArray());
        driver.Close(CloseMode.Abandon);
        var leaks = ImageChecker.Check(file.Reopen()).Leaks;
        Assert.True(leaks > 0);

        driver = new WriterDriver(OpenLater(Holding(file)));
        driver.RunAll();
        driver.WriteThrough(3 << 20, new byte[] { 1 });
        driver.Close();

        Assert.Equal(CheckOutcome.Clean, ImageChecker.Check(file.Reopen()).Outcome);
    }

    // Clusters: header, refcount table, refcount block, L1, L2, data.
    private static MemoryBlockFile Small()
    {
        var images = new TestImages();
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = 4 << 20 });
        var driver = images.Drive("t");
        driver.Writer.RefillClusters = 2;
        driver.WriteThrough(0, Enumerable.Repeat((byte)1, 65536).ToArray());
        driver.Close();
        return file.Reopen();
    }

    private static long BlockOf(IBlockFile file, ImageHeader header)
    {
        var bytes = new byte[8];
        file.Read(header.RefcountTable.Value, bytes);
        return System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes);
    }

    private static TestImages Holding(IBlockFile file)
    {
        var images = new TestImages();
        images.Files["t"] = file;
        return images;
    }

    private static Qcow2Image OpenLater(TestImages images) => images.Open("t", scanTime: TimeSpan.Zero);

    private static Qcow2Image Open(IBlockFile file, TimeSpan scanTime) => Holding(file).Open("t", scanTime: scanTime);
}
