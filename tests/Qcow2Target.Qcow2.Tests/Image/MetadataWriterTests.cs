using System.Buffers.Binary;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

public sealed class MetadataWriterTests(ITestOutputHelper output)
{
    private readonly TestImages _images = new();

    [Theory]
    [InlineData(9)]
    [InlineData(12)]
    [InlineData(16)]
    [InlineData(21)]
    public void What_was_written_is_read_back_at_once_and_after_a_close(int clusterBits)
    {
        var file = _images.Create("t", new ImageCreateOptions { VirtualSize = 8 << 20, ClusterBits = clusterBits });
        var driver = _images.Drive("t");
        var data = new RandomSource(output.WriteLine).Bytes(100_000);
        var outcome = driver.Write(12345 * 512, data);
        driver.RunAll();
        Assert.True(outcome.Succeeded, outcome.Fault?.Message);
        var read = new byte[data.Length];
        Assert.True(driver.Image.TryRead(12345 * 512, read));
        Assert.Equal(data, read);
        Assert.True(driver.Image.TryWrite(12345 * 512, data.AsSpan(0, 512)));
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);

        using var reopened = _images.Open("t", ImageAccess.ReadOnly);
        var expected = new byte[8 << 20];
        data.CopyTo(expected, 12345 * 512);
        Assert.Equal(expected, TestImages.ReadAll(reopened));
    }

    [Fact]
    public void An_image_that_is_opened_for_writing_and_not_written_does_not_change()
    {
        var file = _images.Create("t", new ImageCreateOptions { VirtualSize = 8 << 20 });
        var before = file.ToArray();
        var driver = _images.Drive("t");
        driver.Flush();
        driver.RunAll();
        driver.Close();
        Assert.Equal(before, file.ToArray());
        Assert.Equal(0, _images.Files.OpenCount);
    }

    [Fact]
    public void A_write_needs_no_sync_a_flush_one_and_two_when_something_was_linked()
    {
        _images.Create("t", new ImageCreateOptions { VirtualSize = 1L << 30 });
        var counted = new FaultyBlockFile(_images.Files["t"]);
        _images.Files["t"] = counted;
        var driver = _images.Drive("t");
        driver.WriteThrough(0, new byte[4096]);
        var reserved = counted.Syncs;
        Assert.InRange(reserved, 1, 1);

        driver.WriteThrough(64 << 10, new byte[4096]);
        driver.WriteThrough(0, new byte[4096]);
        Assert.Equal(reserved, counted.Syncs);

        driver.Flush();
        driver.RunAll();
        Assert.Equal(reserved + 2, counted.Syncs);
        driver.WriteThrough(0, new byte[4096]);
        driver.Flush();
        driver.Flush();
        driver.RunAll();
        Assert.Equal(reserved + 3, counted.Syncs);

        for (var cluster = 2; cluster < 4002; cluster++) driver.WriteThrough((long)cluster << 16, new byte[512]);
        Assert.InRange(counted.Syncs - reserved - 3, 3, 5);
        driver.Close();
    }

    [Fact]
    public void What_nobody_flushes_is_committed_five_seconds_after_it_was_linked()
    {
        var time = new ManualTime();
        var images = new TestImages { Time = time };
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = 1 << 20 });
        var counted = new FaultyBlockFile(file);
        images.Files["t"] = counted;
        var driver = images.Drive("t");
        Assert.Null(driver.Writer.NextTick);
        driver.WriteThrough(0, new byte[512]);
        Assert.Equal(TimeSpan.FromSeconds(5), driver.Writer.NextTick);
        time.Advance(TimeSpan.FromSeconds(3));
        driver.WriteThrough(65536, new byte[512]);
        Assert.Equal(TimeSpan.FromSeconds(2), driver.Writer.NextTick);
        var syncs = counted.Syncs;
        driver.Writer.Tick();
        driver.RunAll();
        Assert.Equal(syncs, counted.Syncs);
        time.Advance(TimeSpan.FromSeconds(2));
        driver.Writer.Tick();
        driver.RunAll();
        Assert.Equal(syncs + 2, counted.Syncs);
        Assert.Null(driver.Writer.NextTick);
        driver.Close();
    }

    [Fact]
    public void A_shared_L2_table_is_copied_before_it_is_changed_and_the_old_one_given_back()
    {
        var file = _images.Create("t", new ImageCreateOptions { VirtualSize = 1 << 20 });
        var driver = _images.Drive("t");
        var data = new RandomSource(output.WriteLine).Bytes(200_000);
        driver.WriteThrough(0, data);
        driver.Close();
        // COPIED off the L1 entry (the L1 table is the fourth cluster): the table counts as shared.
        var l1 = new byte[8];
        file.Read(3 * 65536, l1);
        l1[0] &= 0x7f;
        file.Write(3 * 65536, l1);

        driver = _images.Drive("t");
        driver.Image.Read(0, new byte[512]);
        Assert.False(driver.Image.TryWrite(0, data.AsSpan(0, 512)));
        driver.WriteThrough(70_000, new byte[512]);
        data.AsSpan(70_000, 512).Clear();
        var read = new byte[data.Length];
        driver.Image.Read(0, read);
        Workload.AssertSame(data, read);
        driver.Close();
        var after = new byte[8];
        file.Read(3 * 65536, after);
        Assert.True((after[0] & 0x80) != 0 && !after.AsSpan(1).SequenceEqual(l1.AsSpan(1)), Convert.ToHexString(after));
        TestImages.AssertChecked(file, CheckVerdict.Clean);
        using var image = _images.Open("t", ImageAccess.ReadOnly);
        image.Read(0, read);
        Workload.AssertSame(data, read);
    }

    [Fact]
    public void Neighbouring_guest_clusters_get_neighbouring_host_clusters_and_the_file_grows_by_what_is_written()
    {
        var file = _images.Create("t", new ImageCreateOptions { VirtualSize = 1 << 30 });
        var before = file.Length;
        var counted = new FaultyBlockFile(file);
        _images.Files["t"] = counted;
        var driver = _images.Drive("t");
        driver.WriteThrough(0, new byte[512]);
        var writes = counted.Writes;
        driver.WriteThrough(65536, new byte[2 << 20]);
        Assert.Equal(writes + 1, counted.Writes);
        driver.Close();
        Assert.InRange(file.Length - before, 34 * 65536, 36 * 65536);
    }

    [Fact]
    public void The_refcount_table_grows_with_the_file_and_the_old_one_is_used_again()
    {
        var file = _images.Create("t", new ImageCreateOptions { VirtualSize = 40 << 20, ClusterBits = 9 });
        var driver = _images.Drive("t");
        var data = new RandomSource(output.WriteLine).Bytes(40 << 20);
        driver.WriteThrough(0, data);
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
        using var image = _images.Open("t", ImageAccess.ReadOnly);
        Workload.AssertSame(data, TestImages.ReadAll(image));
    }

    [Fact]
    public void An_abandoned_image_writes_no_more_and_completes_everything()
    {
        _images.Create("t", new ImageCreateOptions { VirtualSize = 1 << 20 });
        var counted = new FaultyBlockFile(_images.Files["t"]);
        _images.Files["t"] = counted;
        var driver = _images.Drive("t");
        driver.WriteThrough(0, new byte[512]);
        var operations = counted.Writes + counted.Syncs;
        var (write, flush) = (driver.Write(65536, new byte[512]), driver.Flush());
        driver.Writer.Drain();
        driver.Close(CloseMode.Abandon);
        Assert.True(write.IsCompleted && flush.Fault?.Kind == ImageFaultKind.Closed);
        Assert.Equal(operations, counted.Writes + counted.Syncs);
        Assert.Equal(0, _images.Files.OpenCount);
    }

    [Fact]
    public void A_commit_that_fails_while_it_writes_pointers_never_writes_a_table_that_may_be_pointed_to_before_its_data()
    {
        var file = _images.Create("t", new ImageCreateOptions { VirtualSize = 1 << 30 });
        var faulty = new FaultyBlockFile(file);
        _images.Files["t"] = faulty;
        var driver = _images.Drive("t");
        driver.WriteThrough(0, new byte[512]);
        faulty.FailWhen((operation, offset, length) => operation == BlockOperation.Write && length == 8 && offset == 3 * 65536, BlockFileError.Io);
        var refused = driver.Flush();
        driver.RunAll();
        Assert.Equal(ImageFaultKind.WriteError, refused.Fault?.Kind);
        Assert.Null(driver.Writer.Fault);
        faulty.Heal();
        driver.WriteThrough(100 * 65536, Enumerable.Repeat((byte)5, 512).ToArray());
        var log = new List<string>();
        faulty.Before = (operation, offset, length) => log.Add($"{operation} {length}");
        var flush = driver.Flush();
        driver.RunAll();
        Assert.True(flush.Succeeded);
        Assert.Equal(["Sync 0", "Write 1024", "Write 8", "Sync 0"], log);
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    [Fact]
    public void Data_may_lie_where_the_refcount_table_was_before_it_grew()
    {
        const int Bytes = 12 << 20;
        var images = new TestImages { Cache = new CacheBudget(64 << 10) };
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = Bytes, ClusterBits = 9 });
        var place = new byte[8];
        file.Read(48, place);
        var driver = images.Drive("t");
        driver.Writer.RefillClusters = 8;
        var data = new RandomSource(output.WriteLine).Bytes(64 << 10);
        for (var offset = 0; offset < Bytes; offset += data.Length)
        {
            driver.WriteThrough(offset, data);
            driver.Flush();
            driver.RunAll();
        }
        var table = BinaryPrimitives.ReadInt64BigEndian(place);
        file.Read(48, place);
        Assert.NotEqual(table, BinaryPrimitives.ReadInt64BigEndian(place));
        var read = new byte[data.Length];
        for (var offset = 0; offset < Bytes; offset += data.Length)
        {
            driver.Image.Read(offset, read);
            Workload.AssertSame(data, read);
        }
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }
}
