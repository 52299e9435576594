using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

[Trait("Length", "Long")]
public sealed class ResizerTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(16, 1 << 20, 10L << 20)]
    [InlineData(16, 1000 * 512, 1L << 40)]
    [InlineData(9, 40 * 512, 3L << 20)]
    [InlineData(12, 1 << 20, 64L << 30)]
    [InlineData(21, 1 << 20, 1L << 50)]
    public void A_disk_that_grew_has_its_old_bytes_and_zeros_behind_them(int clusterBits, long before, long after)
    {
        var images = new TestImages();
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = before, ClusterBits = clusterBits });
        var driver = images.Drive("t");
        var old = new RandomSource(output.WriteLine).Bytes((int)before);
        driver.WriteThrough(0, old);
        Succeeds(driver, after);
        Assert.Equal(after, driver.Image.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => driver.Image.Read(after, new byte[1]));
        driver.WriteThrough(after - 512, Bytes(512, 7));
        driver.Close();

        TestImages.AssertChecked(file, CheckVerdict.Clean);
        using var again = images.Open("t", ImageAccess.ReadOnly);
        Assert.Equal(after, again.Length);
        var read = new byte[before + 4096];
        again.Read(0, read);
        Workload.AssertSame(old, read.AsSpan(0, old.Length));
        Assert.Equal(-1, read.AsSpan(old.Length).IndexOfAnyExcept((byte)0));
        again.Read(after - 1024, read.AsSpan(0, 1024));
        Workload.AssertSame([.. new byte[512], .. Bytes(512, 7)], read.AsSpan(0, 1024));
    }

    [Theory]
    [InlineData(9)]
    [InlineData(16)]
    public void What_a_longer_base_has_behind_the_old_end_stays_hidden(int clusterBits)
    {
        const int BaseBytes = 3 << 20;
        const int Before = (1 << 20) - 1536;
        var images = new TestImages();
        images.Files["base"] = new MemoryBlockFile(Bytes(BaseBytes, 9));
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = Before, ClusterBits = clusterBits, BackingName = "base", BackingFormat = "raw" });
        var driver = images.Drive("t");
        Succeeds(driver, 8 << 20);
        var content = TestImages.ReadAll(driver.Image);
        Assert.Equal(Before, content.AsSpan().IndexOfAnyExcept((byte)9));
        Assert.Equal(-1, content.AsSpan(Before).IndexOfAnyExcept((byte)0));
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    [Fact]
    public void What_lies_in_the_last_cluster_behind_the_end_is_zeroed()
    {
        // QEMU copies what a base has there when it copies the cluster.
        using var directory = new TempDirectory();
        directory.File("base", Bytes(1 << 20, 9));
        QemuImg.CreateOverlay(directory["t"], "base", "raw", 1000 << 10);
        QemuImg.Io(directory["t"], "write -P 5 960k 4k").EnsureSuccess();
        var images = new TestImages();
        images.Files["base"] = MemoryBlockFile.LoadFrom(directory["base"]);
        images.Files["t"] = MemoryBlockFile.LoadFrom(directory["t"]);
        var driver = images.Drive("t");
        Succeeds(driver, 4 << 20);
        var content = TestImages.ReadAll(driver.Image);
        Assert.Equal(-1, content.AsSpan(1000 << 10).IndexOfAnyExcept((byte)0));
        Assert.Equal(9, content[(1000 << 10) - 1]);
        driver.Close();
    }

    [Fact]
    public void The_same_size_is_no_change_and_a_smaller_one_is_refused()
    {
        var images = new TestImages();
        images.Create("t", new ImageCreateOptions { VirtualSize = 1 << 20 });
        var faulty = new FaultyBlockFile(images.Files["t"]);
        images.Files["t"] = faulty;
        var driver = images.Drive("t");
        Succeeds(driver, 1 << 20);
        Refused(driver, (1 << 20) - 512, ImageFaultKind.NotSupported, "smaller");
        Refused(driver, (1 << 20) + 1, ImageFaultKind.NotSupported, "multiple of 512");
        Refused(driver, long.MaxValue & -512, ImageFaultKind.LimitExceeded, "32 MiB");
        Assert.Equal(0, faulty.Writes);
        driver.Close();
    }

    [Fact]
    public void A_version_2_overlay_grows_only_above_a_base_that_is_not_longer()
    {
        using var directory = new TempDirectory();
        directory.File("base", Bytes(1 << 20, 9));
        QemuImg.CreateOverlay(directory["short"], "base", "raw", 512 << 10, "compat=0.10");
        QemuImg.CreateOverlay(directory["long"], "base", "raw", (1 << 20) + 4096, "compat=0.10");
        var images = new TestImages();
        foreach (var name in new[] { "base", "short", "long" }) images.Files[name] = MemoryBlockFile.LoadFrom(directory[name]);
        var refused = images.Drive("short");
        Refused(refused, 2 << 20, ImageFaultKind.NotSupported, "longer");
        refused.Close();
        var driver = images.Drive("long");
        Succeeds(driver, 2 << 20);
        driver.Close();
        TestImages.AssertChecked((MemoryBlockFile)images.Files["long"], CheckVerdict.Clean);
    }

    [Theory]
    [InlineData(9, false)]
    [InlineData(9, true)]
    [InlineData(12, true)]
    [InlineData(16, false)]
    public void Reads_and_writes_go_on_while_a_disk_grows_again_and_again(int clusterBits, bool overlay)
    {
        var random = new RandomSource(output.WriteLine);
        var images = new TestImages { Cache = new CacheBudget(64 << 10) };
        var below = random.Bytes(3 << 20);
        images.Files["base"] = new MemoryBlockFile(below);
        var length = 300 << 10;
        var file = images.Create("t", overlay
            ? new ImageCreateOptions { VirtualSize = length, ClusterBits = clusterBits, BackingName = "base", BackingFormat = "raw" }
            : new ImageCreateOptions { VirtualSize = length, ClusterBits = clusterBits });
        var model = overlay ? below[..length] : new byte[length];
        var driver = images.Drive("t", random);
        driver.Writer.RefillClusters = 8;
        for (var round = 0; round < 6; round++)
        {
            var grown = length + (random.Next(1, 1200) * 512);
            var outcome = driver.Resize(grown);
            new Workload(driver, model, random).Run(250);
            Assert.True(outcome.Succeeded, outcome.Fault?.Message);
            Array.Resize(ref model, length = grown);
        }
        Workload.AssertSame(model, TestImages.ReadAll(driver.Image));
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
        Assert.Equal(length, images.Open("t", ImageAccess.ReadOnly).Length);
    }

    [Theory]
    [InlineData(9, false)]
    [InlineData(9, true)]
    [InlineData(16, true)]
    public void A_power_cut_at_any_step_leaves_the_old_size_or_the_new_one(int clusterBits, bool overlay)
    {
        var random = new RandomSource(output.WriteLine);
        const int Before = (1 << 20) - 1024;
        const int After = 6 << 20;
        var images = new TestImages();
        images.Files["base"] = new MemoryBlockFile(Bytes(2 << 20, 9));
        var initial = images.Create("t", overlay
            ? new ImageCreateOptions { VirtualSize = Before, ClusterBits = clusterBits, BackingName = "base", BackingFormat = "raw" }
            : new ImageCreateOptions { VirtualSize = Before, ClusterBits = clusterBits });
        var recording = new RecordingBlockFile(initial.Copy());
        images.Files["t"] = recording;
        var driver = images.Drive("t");
        driver.WriteThrough(Before - 4096, Bytes(4096, 5));
        driver.Flush();
        driver.RunAll();
        var begun = recording.Position;
        Succeeds(driver, After);
        var ended = recording.Position;
        driver.Close();

        var sizes = new HashSet<long>();
        for (var cut = 0; cut < 45; cut++)
        {
            var position = cut == 0 ? ended : random.Next(begun, recording.Position + 1);
            var disk = cut % 3 == 1 ? recording.AfterKill(position) : recording.AfterPowerCut(position, RecordingBlockFile.RandomFate(random));
            if (cut % 15 == 2) TestImages.AssertChecked(disk, CheckVerdict.Clean, CheckVerdict.LeaksOnly);
            var after = new TestImages();
            after.Files["base"] = images.Files["base"];
            after.Files["t"] = disk;
            var reopened = after.Drive("t");
            sizes.Add(reopened.Image.Length);
            Assert.True(position < ended ? reopened.Image.Length is Before or After : reopened.Image.Length == After);
            var content = TestImages.ReadAll(reopened.Image);
            Assert.Equal(-1, content.AsSpan(Before - 4096, 4096).IndexOfAnyExcept((byte)5));
            Assert.Equal(-1, content.AsSpan(Before).IndexOfAnyExcept((byte)0));
            // What was left over is no hindrance to growing again.
            if (cut % 8 != 3) continue;
            Succeeds(reopened, After);
            Assert.Equal(-1, TestImages.ReadAll(reopened.Image).AsSpan(Before).IndexOfAnyExcept((byte)0));
            reopened.Close();
            TestImages.AssertChecked(disk, CheckVerdict.Clean);
        }
        Assert.Equal([Before, After], sizes.Order());
    }

    [Theory]
    [InlineData(BlockFileError.NoSpace)]
    [InlineData(BlockFileError.Io)]
    public void A_failure_on_the_way_leaves_a_disk_that_can_be_used_or_opened_anew(BlockFileError error)
    {
        for (var nth = 1; ; nth++)
        {
            var images = new TestImages();
            var file = images.Create("t", new ImageCreateOptions { VirtualSize = 40 << 10, ClusterBits = 9 });
            var faulty = new FaultyBlockFile(file);
            images.Files["t"] = faulty;
            var driver = images.Drive("t");
            driver.WriteThrough(0, Bytes(40 << 10, 3));
            driver.Flush();
            driver.RunAll();
            faulty.FailNth(BlockOperation.Write, nth, error);
            var outcome = driver.Resize(4 << 20);
            driver.RunAll();
            Assert.True(outcome.IsCompleted);
            if (outcome.Succeeded)
            {
                Assert.True(nth > 4);
                return;
            }
            faulty.Heal();
            if (driver.Writer.Fault is null)
            {
                Assert.Equal(40 << 10, driver.Image.Length);
                Succeeds(driver, 4 << 20);
                driver.Close();
            }
            else
            {
                driver.Close(CloseMode.Abandon);
                driver = images.Drive("t");
                Succeeds(driver, 4 << 20);
                driver.Close();
            }
            TestImages.AssertChecked(file, CheckVerdict.Clean);
        }
    }

    [Fact]
    public void Readers_on_other_threads_never_see_a_torn_map()
    {
        var random = new RandomSource(output.WriteLine);
        var images = new TestImages { Cache = new CacheBudget(64 << 10) };
        images.Create("t", new ImageCreateOptions { VirtualSize = 64 << 10, ClusterBits = 9 });
        var driver = images.Drive("t");
        var written = 0L;
        var stop = false;
        string? torn = null;
        var threads = Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            var read = new byte[512];
            var own = new Random();
            while (!Volatile.Read(ref stop))
            {
                var below = Volatile.Read(ref written);
                var length = driver.Image.Length;
                var sector = own.NextInt64(length / 512);
                if (!driver.Image.TryRead(sector * 512, read)) driver.Image.Read(sector * 512, read);
                if (sector < below && BitConverter.ToInt64(read) != sector) torn = $"sector {sector} holds {BitConverter.ToInt64(read)}";
            }
        })).ToArray();
        Exception? failure = null;
        foreach (var thread in threads) thread.Start();
        try
        {
            var stamp = new byte[512];
            for (var length = 64L << 10; length < 20 << 20; length += random.Next(1, 1024) * 512L)
            {
                Succeeds(driver, length);
                for (var sectors = Math.Min(length / 512, written + 40); written < sectors;)
                {
                    BitConverter.TryWriteBytes(stamp, written);
                    driver.WriteThrough(written * 512, stamp);
                    Volatile.Write(ref written, written + 1);
                }
            }
        }
        catch (Exception exception)
        {
            failure = exception;
        }
        Volatile.Write(ref stop, true);
        foreach (var thread in threads) thread.Join();
        Assert.Null(failure);
        Assert.Null(torn);
        driver.Close();
    }

    private static void Succeeds(WriterDriver driver, long length)
    {
        var outcome = driver.Resize(length);
        driver.RunAll();
        Assert.True(outcome.Succeeded, outcome.Fault?.Message);
    }

    private static void Refused(WriterDriver driver, long length, ImageFaultKind kind, string word)
    {
        var outcome = driver.Resize(length);
        driver.RunAll();
        Assert.Equal(kind, outcome.Fault?.Kind);
        Assert.Contains(word, outcome.Fault!.Message, StringComparison.Ordinal);
    }

    private static byte[] Bytes(int count, byte value)
    {
        var bytes = new byte[count];
        bytes.AsSpan().Fill(value);
        return bytes;
    }
}
