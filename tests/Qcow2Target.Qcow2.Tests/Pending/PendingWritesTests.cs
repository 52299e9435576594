using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;
using Qcow2Target.Qcow2.Tests.Image;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Pending;

/// <summary>What completed and was not committed when the process was killed, at the next open: each row of the table in the design.</summary>
public sealed class PendingWritesTests
{
    private const int Cluster = 4096;
    private static readonly byte[] Data = Filled(0x5a, 3 * Cluster);

    [Fact]
    public void A_kill_loses_no_completed_write()
    {
        var killed = KilledAfterWrite();
        Assert.NotEqual(0UL, AutoclearOf(killed.File));
        TestImages.AssertChecked(killed.File, CheckVerdict.LeaksOnly);

        var driver = killed.Images(killed.Logs()).Drive("t");
        Assert.Equal(PendingFinding.Replayed, driver.Image.Info.Pending.Finding);
        AssertHolds(driver.Image, Data);
        Assert.Equal(0UL, AutoclearOf(killed.File));
        Assert.Empty(killed.Folder.List());
        driver.Close();
        TestImages.AssertChecked(killed.File, CheckVerdict.Clean);
    }

    [Fact]
    public void A_clean_close_leaves_neither_mark_nor_log()
    {
        var images = NewImages(out var folder, out var file);
        var driver = images.Drive("t");
        driver.WriteThrough(0, Data);
        Assert.NotEqual(0UL, AutoclearOf(file));
        Assert.Single(folder.List());
        driver.Close();
        Assert.Equal(0UL, AutoclearOf(file));
        Assert.Empty(folder.List());
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    [Fact]
    public void An_image_that_is_only_read_or_written_in_place_gets_no_mark()
    {
        var images = NewImages(out _, out var file);
        var first = images.Drive("t");
        first.WriteThrough(0, Data);
        first.Close();
        var second = images.Drive("t");
        AssertHolds(second.Image, Data);
        Assert.True(second.Image.TryWrite(0, Filled(1, 512)));
        Assert.Equal(0UL, AutoclearOf(file));
        second.Close();
    }

    [Fact]
    public void Discarding_what_is_not_committed_leaves_neither_mark_nor_log()
    {
        var images = NewImages(out var folder, out var file);
        var driver = images.Drive("t");
        driver.WriteThrough(0, Data);
        driver.Close(CloseMode.Abandon);
        Assert.Equal(0UL, AutoclearOf(file));
        Assert.Empty(folder.List());
        TestImages.AssertChecked(file, CheckVerdict.LeaksOnly);
        var again = images.Drive("t");
        AssertHolds(again.Image, new byte[Data.Length]);
        again.Close();
    }

    [Fact]
    public void Without_its_log_a_marked_image_is_not_written_unless_that_is_asked_for()
    {
        var killed = KilledAfterWrite();
        foreach (var other in new[] { null, new PendingLogs(new MemoryPendingFolder(), BootId.Current) })
        {
            var images = killed.Images(other);
            var refusal = Assert.Throws<Qcow2FormatException>(() => images.Open("t"));
            Assert.Equal(Qcow2FormatError.PendingWrites, refusal.Error);
            Assert.Contains("--state-dir", refusal.Message, StringComparison.Ordinal);
            Assert.Contains("discard_pending", refusal.Message, StringComparison.Ordinal);
            using (var image = images.Open("t", ImageAccess.ReadOnly))
            {
                Assert.Equal(PendingFinding.NotHere, image.Info.Pending.Finding);
                AssertHolds(image, new byte[Data.Length]);
            }
        }
        Assert.NotEqual(0UL, AutoclearOf(killed.File));
        using (var discarded = killed.Images(null).Open("t", rule: PendingRule.Discard))
        {
            Assert.Equal(PendingFinding.Discarded, discarded.Info.Pending.Finding);
            AssertHolds(discarded, new byte[Data.Length]);
        }
        Assert.Equal(0UL, AutoclearOf(killed.File));
    }

    [Fact]
    public void After_another_boot_the_mark_means_nothing_and_its_log_is_removed()
    {
        var killed = KilledAfterWrite();
        var logs = new PendingLogs(killed.Folder, BootId.Of("another"));
        Assert.Equal(1, logs.RemoveOtherBoots());
        Assert.Empty(killed.Folder.List());
        using var image = killed.Images(logs).Open("t");
        Assert.Equal(PendingFinding.HostWentDown, image.Info.Pending.Finding);
        Assert.Equal(0UL, AutoclearOf(killed.File));
    }

    [Fact]
    public void A_log_of_this_boot_stays_at_start()
    {
        var killed = KilledAfterWrite();
        Assert.Equal(0, killed.Logs().RemoveOtherBoots());
        Assert.Single(killed.Folder.List());
    }

    [Fact]
    public void An_image_that_somebody_else_wrote_keeps_what_they_wrote_and_the_log_is_set_aside()
    {
        var killed = KilledAfterWrite();
        using (var directory = new TempDirectory())
        {
            killed.File.SaveTo(directory["t.qcow2"]);
            QemuImg.Io(directory["t.qcow2"], "write -P 7 1M 64k").EnsureSuccess();
            killed.Replace(MemoryBlockFile.LoadFrom(directory["t.qcow2"]));
        }
        Assert.Equal(0UL, AutoclearOf(killed.File));
        var driver = killed.Images(killed.Logs()).Drive("t");
        Assert.Equal(PendingFinding.SetAside, driver.Image.Info.Pending.Finding);
        Assert.EndsWith(".aside", Assert.Single(killed.Folder.List()), StringComparison.Ordinal);
        AssertHolds(driver.Image, new byte[Data.Length]);
        var theirs = new byte[64 << 10];
        driver.Image.Read(1 << 20, theirs);
        Assert.Equal(Filled(7, 64 << 10), theirs);
        driver.Close();
        TestImages.AssertChecked(killed.File, CheckVerdict.Clean);
    }

    [Fact]
    public void An_image_whose_leaks_somebody_else_has_repaired_is_as_it_was_committed_and_the_log_is_set_aside()
    {
        var killed = KilledAfterWrite();
        using (var directory = new TempDirectory())
        {
            killed.File.SaveTo(directory["t.qcow2"]);
            QemuImg.Run("check", "-f", "qcow2", "-r", "leaks", directory["t.qcow2"]).EnsureSuccess();
            killed.Replace(MemoryBlockFile.LoadFrom(directory["t.qcow2"]));
        }
        Assert.Equal(0UL, AutoclearOf(killed.File));
        var driver = killed.Images(killed.Logs()).Drive("t");
        Assert.Equal(PendingFinding.SetAside, driver.Image.Info.Pending.Finding);
        AssertHolds(driver.Image, new byte[Data.Length]);
        driver.WriteThrough(1 << 20, Filled(7, 64 << 10));
        driver.Close();
        TestImages.AssertChecked(killed.File, CheckVerdict.Clean);
    }

    [Theory]
    [InlineData(1, 99, 0)]
    [InlineData(1, 1, 5)]
    [InlineData(2, 1, 0)]
    public void A_copy_or_another_file_under_its_name_or_inode_is_not_the_image(ulong device, ulong inode, long birth)
    {
        var killed = KilledAfterWrite();
        var refusal = Assert.Throws<Qcow2FormatException>(() => killed.Images(killed.Logs(), new FileIdentity(device, inode, birth)).Open("t"));
        Assert.Equal(Qcow2FormatError.PendingWrites, refusal.Error);
        // The image itself is none the worse.
        using var image = killed.Images(killed.Logs()).Open("t");
        Assert.Equal(PendingFinding.Replayed, image.Info.Pending.Finding);
    }

    [Fact]
    public void Read_only_and_below_an_overlay_the_writes_are_seen_and_no_byte_is_changed()
    {
        var killed = KilledAfterWrite();
        var before = killed.File.ToArray();
        var images = killed.Images(killed.Logs());
        using (var image = images.Open("t", ImageAccess.ReadOnly))
        {
            Assert.Equal(PendingFinding.LaidOver, image.Info.Pending.Finding);
            AssertHolds(image, Data);
        }
        images.Create("overlay", new ImageCreateOptions { VirtualSize = 4 << 20, ClusterBits = 16, BackingName = "t", BackingFormat = "qcow2" });
        var overlay = images.Drive("overlay");
        AssertHolds(overlay.Image, Data);
        overlay.WriteThrough(512, Filled(9, 512));
        overlay.Close();
        Assert.Equal(before, killed.File.ToArray());
        Assert.Single(killed.Folder.List());
    }

    [Fact]
    public void A_record_that_contradicts_the_image_stops_the_replay_before_anything_is_written()
    {
        var killed = KilledAfterWrite();
        // Somebody changes an entry and keeps the mark: the L1 entry now leads to a table of somebody's own.
        var bytes = killed.File.ToArray();
        var l1 = BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(40));
        killed.File.Write(l1, [0x80, 0, 0, 0, 0, 0, 0x10, 0]);
        var before = killed.File.ToArray();
        var refusal = Assert.Throws<Qcow2FormatException>(() => killed.Images(killed.Logs()).Open("t"));
        Assert.Equal(Qcow2FormatError.PendingWrites, refusal.Error);
        Assert.Equal(before, killed.File.ToArray());
        Assert.Single(killed.Folder.List());
    }

    [Fact]
    public void Version_2_has_no_word_for_a_mark_and_commits_before_it_completes()
    {
        var images = NewImages(out var folder, out var file, version: 2);
        var driver = images.Drive("t");
        driver.WriteThrough(0, Data);
        Assert.Empty(folder.List());
        Assert.True(driver.Image.TryWrite(512, Filled(3, 512)));
        var expected = Data.ToArray();
        Filled(3, 512).CopyTo(expected, 512);
        var killed = new Killed(file.Copy(), folder.Copy());
        using var image = killed.Images(killed.Logs()).Open("t");
        AssertHolds(image, expected);
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    [Fact]
    public void Where_no_log_can_be_made_commits_come_first_and_no_mark_is_written()
    {
        var images = NewImages(out var folder, out var file);
        folder.Refusal = BlockFileError.NoSpace;
        var driver = images.Drive("t");
        driver.WriteThrough(0, Data);
        Assert.NotNull(driver.Writer.LogFault);
        Assert.Equal(0UL, AutoclearOf(file));
        var killed = new Killed(file.Copy(), folder.Copy());
        using var image = killed.Images(killed.Logs()).Open("t");
        AssertHolds(image, Data);
    }

    [Fact]
    public void A_log_that_breaks_is_given_up_and_commits_come_first_from_then_on()
    {
        FaultyBlockFile? log = null;
        var images = NewImages(out var folder, out var file);
        folder.Wrap = inner => log = new FaultyBlockFile(inner);
        var driver = images.Drive("t");
        driver.WriteThrough(0, Filled(1, Cluster));
        log!.FailWhen((operation, _, _) => operation == BlockOperation.Write, BlockFileError.Io);
        for (var cluster = 1; cluster < 6; cluster++)
        {
            driver.WriteThrough(cluster * Cluster, Filled((byte)(cluster + 1), Cluster));
            folder.Wrap = null;
            var killed = new Killed(file.Copy(), folder.Copy());
            using var image = killed.Images(killed.Logs()).Open("t");
            for (var written = 0; written <= cluster; written++) AssertHolds(image, Filled((byte)(written + 1), Cluster), written * Cluster);
        }
        Assert.Equal(0UL, AutoclearOf(file));
        Assert.Empty(folder.List());
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    [Fact]
    public void A_full_log_makes_commits_and_goes_on()
    {
        var folder = new MemoryPendingFolder();
        var images = new TestImages { Pending = new PendingLogs(folder, BootId.Current) { LogBytes = 16 << 10 }, Time = new ManualTime() };
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = 4 << 20, ClusterBits = 9 });
        var driver = images.Drive("t");
        for (var cluster = 0; cluster < 8192; cluster += 64) driver.WriteThrough(cluster * 512L, Filled((byte)(cluster / 64 + 1), 64 * 512));
        var killed = new Killed(file.Copy(), folder.Copy());
        using (var image = killed.Images(new PendingLogs(killed.Folder, BootId.Current) { LogBytes = 16 << 10 }).Open("t"))
            for (var cluster = 0; cluster < 8192; cluster += 64) AssertHolds(image, Filled((byte)(cluster / 64 + 1), 64 * 512), cluster * 512);
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    [Fact]
    public void Replaying_again_after_another_kill_leads_to_the_same()
    {
        var killed = KilledAfterWrite();
        var recording = new RecordingBlockFile(killed.File);
        using (var image = killed.Images(new PendingLogs(killed.Folder.Copy(), BootId.Current), file: recording).Open("t")) AssertHolds(image, Data);
        for (var position = 0; position < recording.Position; position++)
        {
            var again = new Killed(recording.AfterKill(position), killed.Folder.Copy());
            using var image = again.Images(again.Logs()).Open("t");
            AssertHolds(image, Data);
        }
    }

    private static TestImages NewImages(out MemoryPendingFolder folder, out MemoryBlockFile file, int version = 3)
    {
        folder = new MemoryPendingFolder();
        var images = new TestImages { Pending = new PendingLogs(folder, BootId.Current), Time = new ManualTime() };
        using var directory = new TempDirectory();
        QemuImg.Create(directory["t"], 4 << 20, version == 2 ? "compat=0.10" : "compat=1.1", $"cluster_size={Cluster}");
        images.Files["t"] = file = MemoryBlockFile.LoadFrom(directory["t"]);
        return images;
    }

    private static Killed KilledAfterWrite()
    {
        var images = NewImages(out var folder, out var file);
        var driver = images.Drive("t");
        driver.WriteThrough(0, Data);
        return new Killed(file.Copy(), folder.Copy());
    }

    private static ulong AutoclearOf(MemoryBlockFile file)
    {
        var word = new byte[8];
        file.Read(ImageHeader.AutoclearField, word);
        return BinaryPrimitives.ReadUInt64BigEndian(word);
    }

    private static void AssertHolds(Qcow2Image image, byte[] expected, int offset = 0)
    {
        var content = new byte[expected.Length];
        image.Read(offset, content);
        Workload.AssertSame(expected, content);
    }

    private static byte[] Filled(byte value, int count)
    {
        var bytes = new byte[count];
        Array.Fill(bytes, value);
        return bytes;
    }

    /// <summary>What a killed process has left: the image's file and the folder of logs.</summary>
    private sealed class Killed(MemoryBlockFile file, MemoryPendingFolder folder)
    {
        internal MemoryBlockFile File { get; private set; } = file;

        internal MemoryPendingFolder Folder => folder;

        internal PendingLogs Logs() => new(folder, BootId.Current);

        internal void Replace(MemoryBlockFile other) => File = other;

        internal TestImages Images(PendingLogs? logs, FileIdentity? identity = null, IBlockFile? file = null)
        {
            var images = new TestImages { Pending = logs, Time = new ManualTime() };
            images.Files["t"] = file ?? File;
            if (identity is { } other) images.Files.Identify("t", other);
            return images;
        }
    }
}
