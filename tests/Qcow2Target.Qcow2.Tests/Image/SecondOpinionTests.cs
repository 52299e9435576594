using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Tests.Image.Model;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Images whose metadata somebody has bent, and ends that come at a bad moment.</summary>
[Trait("Length", "Long")]
public sealed class SecondOpinionTests(ITestOutputHelper output)
{
    private const int Sectors = 1024;

    [Theory]
    [InlineData(9)]
    [InlineData(12)]
    public void What_the_second_opinion_calls_corrupt_is_not_opened_for_writing_and_nothing_worse_than_a_fault_comes_of_reading_it(int clusterBits)
    {
        var random = new RandomSource(output.WriteLine);
        using var past = new Exploration(random, Exploration.Create(Sectors * 512, clusterBits), backing: null);
        past.Run(80);
        past.CloseClean();
        var tables = MetadataRanges(past.Recording.Live, clusterBits);
        var (refused, served, agreed) = (0, 0, 0);
        for (var round = 0; round < 250; round++)
        {
            var disk = past.Recording.Live.Reopen().Copy();
            for (var bent = random.Next(1, 4); bent > 0; bent--) Bend(disk, tables, random);
            var errors = new Fsck(disk).Errors.Where(error => !error.Contains("COPIED", StringComparison.Ordinal)).ToList();
            ReadAll(disk.Copy());
            try
            {
                using var image = Exploration.Open(new ModelFiles().Add(Exploration.ImagePath, disk), ImageAccess.ReadWrite);
                served++;
                Assert.True(errors.Count == 0, $"round {round}: opened for writing in spite of\n{string.Join('\n', errors)}");
                agreed++;
                WriteSome(image, random);
            }
            catch (Qcow2FormatException)
            {
                refused++;
            }
        }
        output.WriteLine($"{refused} refused, {served} served, {agreed} rightly");
        Assert.NotEqual(0, refused);
        Assert.NotEqual(0, served);
    }

    [Fact]
    public void An_image_whose_entries_are_not_marked_as_its_own_is_copied_on_write()
    {
        var random = new RandomSource(output.WriteLine);
        using var past = new Exploration(random, Exploration.Create(Sectors * 512, 12), backing: null);
        past.Run(80);
        past.CloseClean();
        var disk = past.Recording.Live.Reopen().Copy();
        var stamps = past.StampsOf(disk);
        ClearCopied(disk);
        using var exploration = new Exploration(random, disk, backing: null, initial: stamps);
        exploration.Driver.Finish(exploration.Write(0, Sectors)!, "a write over all");
        exploration.CheckAll();
        exploration.Run(60);
        exploration.CheckAll();
        exploration.CloseClean();
    }

    [Fact]
    public void Requests_in_hand_when_the_close_begins_are_finished_and_later_ones_turned_away()
    {
        var random = new RandomSource(output.WriteLine);
        for (var round = 0; round < 20; round++)
        {
            using var exploration = new Exploration(random, Exploration.Create(Sectors * 512, 12), backing: null);
            exploration.Run(20);
            var inHand = exploration.Driver.Outstanding;
            exploration.Driver.Writer.BeginClose(CloseMode.Commit);
            var late = exploration.Driver.Write(0, new byte[512]);
            exploration.Quiesce();
            exploration.Driver.Close(CloseMode.Commit);
            Assert.Equal(ImageFaultKind.Closed, late.Fault?.Kind);
            Assert.Null(exploration.Driver.Writer.Fault);
            Assert.False(exploration.Image.TryWrite(0, new byte[512]), "written in place after the close");
            exploration.CheckAll();
            exploration.Image.Dispose();
            // All that was acknowledged is durable: as if a flush had ended just now.
            var fsck = new Fsck(exploration.Recording.AfterPowerCut(exploration.Recording.Position, (_, _) => false));
            fsck.AssertNoErrors(() => $"round {round}, {inHand} jobs in hand");
            Assert.Equal(0, fsck.Leaks);
            for (var sector = 0; sector < Sectors; sector++)
            {
                var wrong = exploration.Model.JudgeNow(sector, fsck.ReadSector(sector * 512L) ?? new byte[512]);
                Assert.True(wrong is null, $"round {round}: {wrong}");
            }
        }
    }

    [Fact]
    public void An_abandoned_image_is_as_after_a_power_cut()
    {
        var random = new RandomSource(output.WriteLine);
        for (var round = 0; round < 20; round++)
        {
            using var exploration = new Exploration(random, Exploration.Create(Sectors * 512, 12), backing: null);
            exploration.ExpectedFaults.Add(ImageFaultKind.Closed);
            exploration.Run(30);
            exploration.Driver.Close(CloseMode.Abandon);
            exploration.Image.Dispose();
            Assert.Equal(0, exploration.Files.OpenCount);
            exploration.CutPower(6);
            exploration.CheckDisk(exploration.Recording.Live.Reopen(), exploration.Recording.Position, () => "abandoned");
        }
    }

    [Fact]
    public void Opening_for_writing_and_closing_changes_no_byte()
    {
        var random = new RandomSource(output.WriteLine);
        using var past = new Exploration(random, Exploration.Create(Sectors * 512, 12), backing: null);
        past.Run(40);
        past.CloseClean();
        var before = past.Recording.Live.Reopen().ToArray();
        using var exploration = new Exploration(random, past.Recording.Live, backing: null, initial: past.StampsOf(past.Recording.Live));
        exploration.CheckAll();
        exploration.CloseClean();
        Assert.Equal(before, exploration.Recording.Live.Reopen().ToArray());
    }

    [Fact]
    public void An_image_with_dirty_bitmaps_is_written_and_stays_sound_for_qemu()
    {
        using var directory = new TempDirectory();
        QemuImg.Create(directory["image"], 1 << 20);
        QemuImg.Io(directory["image"], "write -P 5 0 256k").EnsureSuccess();
        QemuImg.Run("bitmap", "--add", directory["image"], "b0").EnsureSuccess();
        QemuImg.Io(directory["image"], "write -P 6 64k 64k").EnsureSuccess();
        var untouched = MemoryBlockFile.LoadFrom(directory["image"]);
        var before = untouched.ToArray();
        using (var idle = Exploration.Open(new ModelFiles().Add(Exploration.ImagePath, untouched), ImageAccess.ReadWrite))
        {
            new ModelDriver(idle.Writer!, new RandomSource(output.WriteLine), new ManualTime()).Close(CloseMode.Commit);
        }
        Assert.Equal(before, untouched.Reopen().ToArray());

        var file = MemoryBlockFile.LoadFrom(directory["image"]);
        var time = new ManualTime();
        using (var image = Exploration.Open(new ModelFiles().Add(Exploration.ImagePath, file), ImageAccess.ReadWrite, time))
        {
            Assert.True(image.Info.ClearsBitmaps);
            var driver = new ModelDriver(image.Writer!, new RandomSource(output.WriteLine), time);
            Assert.False(image.TryWrite(0, new byte[512]), "written before the bitmaps were given up");
            var content = new byte[900_000];
            content.AsSpan().Fill(7);
            driver.Finish(driver.Write(0, content), "write");
            driver.Close(CloseMode.Commit);
        }
        file.SaveTo(directory["image"]);
        Assert.Contains(QemuImg.Check(directory["image"], out var words), new[] { CheckVerdict.Clean, CheckVerdict.LeaksOnly });
        output.WriteLine(words);
        QemuImg.Io(directory["image"], "read -P 7 0 878k", "write -P 8 0 1M").EnsureSuccess();
        Assert.Contains(QemuImg.Check(directory["image"]), new[] { CheckVerdict.Clean, CheckVerdict.LeaksOnly });
    }

    /// <summary>Where the refcount table, its blocks, the L1 table and the L2 tables lie: found as a reader of the format finds them.</summary>
    private static List<(long Offset, int Length)> MetadataRanges(MemoryBlockFile disk, int clusterBits)
    {
        var cluster = 1 << clusterBits;
        var ranges = new List<(long, int)>();
        var l1 = (long)Word(disk, 40);
        var l1Bytes = (int)(Word(disk, 32) & 0xffffffff) * 8;
        var table = (long)Word(disk, 48);
        ranges.Add((l1, l1Bytes));
        ranges.Add((table, 64));
        for (var offset = 0; offset < l1Bytes; offset += 8) Pointed(l1 + offset);
        for (var offset = 0; offset < 64; offset += 8) Pointed(table + offset);
        return ranges;

        void Pointed(long where)
        {
            if ((long)(Word(disk, where) & 0x00fffffffffffe00) is > 0 and var target) ranges.Add((target, cluster));
        }
    }

    private static void Bend(MemoryBlockFile disk, List<(long Offset, int Length)> tables, RandomSource random)
    {
        var (offset, length) = tables[random.Next(tables.Count)];
        var where = offset + random.Next(length / 8) * 8;
        var (otherOffset, otherLength) = tables[random.Next(tables.Count)];
        var word = random.Next(6) switch
        {
            0 => Word(disk, where) ^ (1UL << random.Next(64)),
            1 => Word(disk, otherOffset + random.Next(otherLength / 8) * 8),
            2 => (ulong)otherOffset | (1UL << 63),
            3 => (ulong)random.Next(1 << 20) << 9 | (1UL << 63),
            4 => 0UL,
            _ => (ulong)random.NextInt64(),
        };
        Span<byte> bytes = stackalloc byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, word);
        disk.Write(where, bytes);
    }

    private static void ClearCopied(MemoryBlockFile disk)
    {
        var l1 = (long)Word(disk, 40);
        var l1Entries = (int)(Word(disk, 32) & 0xffffffff);
        for (var index = 0; index < l1Entries; index++)
        {
            var table = (long)(Word(disk, l1 + index * 8) & 0x00fffffffffffe00);
            if (table == 0) continue;
            Clear(l1 + index * 8);
            for (var entry = 0; entry < 4096; entry += 8) Clear(table + entry);
        }

        void Clear(long where)
        {
            Span<byte> bytes = stackalloc byte[8];
            disk.Read(where, bytes);
            bytes[0] &= 0x7f;
            disk.Write(where, bytes);
        }
    }

    private static void ReadAll(MemoryBlockFile disk)
    {
        try
        {
            using var image = Exploration.Open(new ModelFiles().Add(Exploration.ImagePath, disk), ImageAccess.ReadOnly);
            var sector = new byte[512];
            for (var index = 0; index < Sectors; index++)
            {
                try
                {
                    if (!image.TryRead(index * 512L, sector)) image.Read(index * 512L, sector);
                }
                catch (ImageFaultException)
                {
                    // What cannot be read is said.
                }
            }
        }
        catch (Qcow2FormatException)
        {
            // Nor what cannot be opened.
        }
    }

    private static void WriteSome(Qcow2Image image, RandomSource random)
    {
        var driver = new ModelDriver(image.Writer!, random, new ManualTime());
        for (var count = 0; count < 10; count++)
        {
            driver.Finish(driver.Write(random.Next(Sectors - 16) * 512L, new byte[8192]), "write");
            driver.Finish(driver.Zero(random.Next(Sectors - 16) * 512L, 8192, ZeroSpace.Free), "zero");
        }
        driver.Close(CloseMode.Commit);
    }

    private static ulong Word(MemoryBlockFile disk, long offset)
    {
        Span<byte> bytes = stackalloc byte[8];
        disk.Read(offset, bytes);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }
}
