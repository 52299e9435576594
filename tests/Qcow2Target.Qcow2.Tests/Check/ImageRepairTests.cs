using System.Globalization;
using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Tests.Image;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Check;

[Trait("Length", "Long")]
public sealed class ImageRepairTests(ITestOutputHelper output)
{
    private const int Size = 1 << 20;

    private static readonly int Count = int.Parse(Environment.GetEnvironmentVariable("QCOW2TARGET_DAMAGED_IMAGES") ?? "400", CultureInfo.InvariantCulture);

    [Fact]
    public void A_damaged_image_is_repaired_to_what_QEMU_finds_clean_or_refused_and_not_touched()
    {
        var random = new RandomSource(output.WriteLine);
        using var directory = TempDirectory.InMemory();
        var (repaired, rebuilt, refused) = (0, 0, 0);
        for (var i = 0; i < Count; i++)
        {
            var image = DamagedImages.Damage(random, out var words);
            var recording = new RecordingBlockFile(new MemoryBlockFile(image));
            if (ImageChecker.Check(recording).Outcome is CheckOutcome.Clean or CheckOutcome.NotChecked) continue;
            var keepsLeaks = HasForeignUses(recording);
            try
            {
                var report = ImageRepair.Run(recording, RepairScope.All);
                repaired++;
                rebuilt += report.HasNewRefcounts ? 1 : 0;
            }
            catch (Qcow2FormatException exception)
            {
                Assert.Equal(Qcow2FormatError.Inconsistent, exception.Error);
                Assert.Empty(recording.Log);
                refused++;
                continue;
            }
            var after = ImageChecker.Check(recording);
            Assert.True(after.Errors == after[CheckFindingKind.IncompleteSnapshot] && (after.Leaks == 0 || keepsLeaks), $"{words}: {string.Join("; ", after.Findings.Take(5))}");
            if (repaired % 12 != 0) continue;
            var disk = recording.AfterKill(recording.Position);
            var verdict = QemuImg.Check(directory.File("t", disk.ToArray()), out var said);
            Assert.True(after.Errors > 0 || verdict is CheckVerdict.Clean or CheckVerdict.LeaksOnly || QemuBlindness.Explains(after, verdict, said, disk.ToArray()) is not null, $"{words}: {said}");
        }
        output.WriteLine($"{repaired} repaired, {rebuilt} of them with new refcounts, {refused} refused");
        Assert.True(repaired > 0 && refused > 0);
    }

    [Fact]
    public void COPIED_that_stands_alone_goes_from_the_tables_of_snapshots_too()
    {
        using var directory = TempDirectory.InMemory();
        var path = System.IO.Path.Combine(directory.Path, "t");
        QemuImg.Create(path, 1L << 30);
        QemuImg.Run("snapshot", "-c", "s", path);
        var file = new MemoryBlockFile(System.IO.File.ReadAllBytes(path));
        var snapshot = Assert.Single(SnapshotTable.ReadFrom(file, ImageHeader.ReadFrom(file)).Snapshots);
        file.Write(snapshot.L1Table.Value + 8, [0x80, 0, 0, 0, 0, 0, 0, 0]);
        Assert.Equal(1, ImageChecker.Check(file)[CheckFindingKind.StrayCopied]);
        ImageRepair.Run(file, RepairScope.All);
        Assert.Equal(CheckOutcome.Clean, ImageChecker.Check(file).Outcome);
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(directory.File("repaired", file.ToArray()), out _));
    }

    [Theory]
    [InlineData(12, 16)]
    [InlineData(9, 1)]
    [InlineData(12, 64)]
    public void An_image_left_dirty_is_repaired_when_it_is_opened_and_holds_what_it_held(int clusterBits, int refcountBits)
    {
        var random = new RandomSource(output.WriteLine);
        var content = random.Bytes(Size);
        var file = MakeDirty(content, clusterBits, refcountBits, random);
        var images = Holding(file);
        var before = file.ToArray();
        using (var reading = images.Open("t", ImageAccess.ReadOnly)) Workload.AssertSame(content, TestImages.ReadAll(reading));
        Assert.True(before.AsSpan().SequenceEqual(file.ToArray()), "a read-only attach changes nothing");

        var driver = images.Drive("t");

        var repair = driver.Image.Info.Repair!;
        output.WriteLine($"{repair.CountsRaised} raised, {repair.CountsLowered} lowered, {repair.EntriesChanged} entries, new: {repair.HasNewRefcounts}");
        Assert.True(repair.CountsRaised > 0);
        Assert.Equal(0, Word(file, 72) & 1);
        Workload.AssertSame(content, TestImages.ReadAll(driver.Image));
        new Workload(driver, content, random).Run(steps: 100);
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    [Fact]
    public void Power_lost_during_a_repair_leaves_an_image_that_is_repaired_by_the_next_one()
    {
        var random = new RandomSource(output.WriteLine);
        for (var round = 0; round < 6; round++)
        {
            var content = random.Bytes(Size);
            var dirty = MakeDirty(content, random.Pick(9, 12), random.Pick(1, 4, 16, 64), random);
            var recording = new RecordingBlockFile(dirty);
            ImageRepair.Run(recording, RepairScope.All);
            for (var cut = 0; cut < 12; cut++)
            {
                var disk = recording.AfterPowerCut(random.Next(recording.Position + 1), RecordingBlockFile.RandomFate(random));
                using var image = Holding(disk).Open("t");
                Workload.AssertSame(content, TestImages.ReadAll(image));
                if (cut % 6 == 0) TestImages.AssertChecked(disk, CheckVerdict.Clean);
            }
        }
    }

    [Fact]
    public void Damage_that_is_not_repaired_keeps_a_dirty_image_read_only_and_dirty()
    {
        var random = new RandomSource(output.WriteLine);
        var file = MakeDirty(random.Bytes(Size), 12, 16, random);
        var header = ImageHeader.ReadFrom(file);
        var entry = new byte[8];
        file.Read(header.L1Table.Value, entry);
        entry[0] = 0;
        // The first cluster of the disk lies in the L1 table.
        file.Write(System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(entry), [0x80, 0, 0, 0, 0, 0, 0x30, 0]);
        var before = file.ToArray();

        var refusal = Assert.Throws<Qcow2FormatException>(() => Holding(file).Open("t").Dispose());

        output.WriteLine(refusal.Message);
        Assert.Equal(Qcow2FormatError.Inconsistent, refusal.Error);
        Assert.True(before.AsSpan().SequenceEqual(file.ToArray()));
        Holding(file).Open("t", ImageAccess.ReadOnly).Dispose();
    }

    [Fact]
    public void Leaks_alone_are_repaired_without_a_look_at_anything_else()
    {
        var images = new TestImages();
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = Size });
        var driver = images.Drive("t");
        driver.WriteThrough(0, new byte[100_000].Select(_ => (byte)1).ToArray());
        driver.Close(CloseMode.Abandon);
        Assert.Equal(CheckOutcome.Leaks, ImageChecker.Check(file.Reopen()).Outcome);

        var report = ImageRepair.Run(file, RepairScope.Leaks);

        Assert.True(report.CountsLowered > 0);
        Assert.Equal(0, report.CountsRaised);
        Assert.Equal(CheckOutcome.Clean, ImageChecker.Check(file).Outcome);
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    // As lazy refcounts leave it after a crash: every pointer right, the dirty bit set, and counts that lag or are too high.
    private static MemoryBlockFile MakeDirty(byte[] content, int clusterBits, int refcountBits, RandomSource random)
    {
        using var directory = TempDirectory.InMemory();
        directory.File("raw", content);
        QemuImg.Convert(directory["raw"], "raw", directory["t"], "qcow2", "-o", $"cluster_size={1 << clusterBits},refcount_bits={refcountBits}");
        var file = MemoryBlockFile.LoadFrom(directory["t"]);
        file.Write(72, [0, 0, 0, 0, 0, 0, 0, 1]);
        var header = ImageHeader.ReadFrom(file);
        var geometry = ClusterGeometry.Of(header);
        for (var i = 0; i < 40; i++)
        {
            var cluster = random.Next((int)geometry.ClustersIn(file.Length) + 20);
            var block = Word(file, header.RefcountTable.Value + (cluster / geometry.RefcountsPerBlock * 8));
            if (block == 0) continue;
            var bytes = new byte[geometry.ClusterBytes];
            file.Read(block, bytes);
            RefcountBlock.Set(bytes, cluster % geometry.RefcountsPerBlock, geometry.RefcountOrder, random.Once(4) ? 1u : 0);
            file.Write(block, bytes);
        }
        // A whole block may be missing.
        if (random.Once(3)) file.Write(header.RefcountTable.Value, new byte[8]);
        return file;
    }

    private static bool HasForeignUses(Qcow2.Io.IBlockFile file)
    {
        var header = ImageHeader.ReadFrom(file);
        return header.Autoclear != 0 || header.Extensions.Any(extension => !extension.IsKnown || extension.Type == HeaderExtensionType.Bitmaps);
    }

    private static long Word(Qcow2.Io.IBlockFile file, long offset)
    {
        var bytes = new byte[8];
        file.Read(offset, bytes);
        return System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes);
    }

    private static TestImages Holding(Qcow2.Io.IBlockFile file)
    {
        var images = new TestImages();
        images.Files["t"] = file;
        return images;
    }
}
