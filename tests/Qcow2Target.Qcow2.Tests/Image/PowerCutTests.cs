using Qcow2Target.Qcow2.Tests.Image.Model;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Power cuts and kills at any point of a random workload, judged by a checker that shares no code with the engine.</summary>
[Trait("Length", "Long")]
public sealed class PowerCutTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(9, 256)]
    [InlineData(12, 1024)]
    [InlineData(12, 1021)]
    [InlineData(16, 4096)]
    public void After_a_power_cut_at_any_point_the_image_is_sound_and_holds_what_was_flushed(int clusterBits, int sectors)
    {
        var random = new RandomSource(output.WriteLine);
        for (var round = 0; round < 2; round++)
        {
            using var exploration = new Exploration(random, Exploration.Create(sectors * 512L, clusterBits), backing: null);
            exploration.Run(250);
            exploration.Quiesce();
            exploration.CheckAll();
            exploration.CloseClean();
            exploration.CutPower(40);
        }
    }

    [Theory]
    [InlineData(12, 1024, 1024)]
    [InlineData(12, 1021, 333)]
    [InlineData(12, 333, 1021)]
    [InlineData(9, 300, 200)]
    [InlineData(16, 4000, 2001)]
    public void The_same_holds_over_a_raw_base_of_another_length(int clusterBits, int sectors, int baseSectors)
    {
        var random = new RandomSource(output.WriteLine);
        for (var round = 0; round < 2; round++)
        {
            var raw = Exploration.RawBase(baseSectors);
            var before = raw.ToArray();
            using var exploration = new Exploration(random, Exploration.Create(sectors * 512L, clusterBits, "raw"), () => raw,
                sector => sector < baseSectors ? Exploration.BaseStamp(sector) : 0);
            exploration.Run(250);
            exploration.Quiesce();
            exploration.CheckAll();
            exploration.CloseClean();
            exploration.CutPower(40);
            Assert.Equal(before, raw.ToArray());
        }
    }

    [Theory]
    [InlineData(14, 2048, 0, "extended_l2=on")]
    [InlineData(14, 2045, 1101, "extended_l2=on")]
    [InlineData(14, 1101, 2045, "extended_l2=on,preallocation=metadata")]
    [InlineData(16, 4096, 3000, "extended_l2=on")]
    public void The_same_holds_for_the_bits_of_sub_clusters(int clusterBits, int sectors, int baseSectors, string options)
    {
        var random = new RandomSource(output.WriteLine);
        var raw = Exploration.RawBase(baseSectors);
        var before = raw.ToArray();
        using var exploration = new Exploration(random, Exploration.CreateByQemu(sectors * 512L, clusterBits, baseSectors == 0 ? null : "raw", options), () => raw,
            sector => sector < baseSectors ? Exploration.BaseStamp(sector) : 0);
        exploration.Run(250);
        exploration.Quiesce();
        exploration.CheckAll();
        exploration.CloseClean();
        exploration.CutPower(60);
        Assert.Equal(before, raw.ToArray());
    }

    [Fact]
    public void A_disk_that_was_cut_opens_again_and_is_as_safe_as_before()
    {
        var random = new RandomSource(output.WriteLine);
        using var exploration = new Exploration(random, Exploration.Create(1024 * 512, 12), backing: null);
        exploration.Run(200);
        exploration.CutPower(12, (disk, _) =>
        {
            using var second = new Exploration(random, disk, backing: null, initial: exploration.StampsOf(disk));
            second.CheckAll();
            second.Run(60);
            second.CheckAll();
            second.CloseClean();
            second.CutPower(10);
        });
    }

    [Fact]
    public void A_power_cut_while_the_refcount_table_grows_leaves_the_image_sound()
    {
        // With clusters of 512 bytes a refcount block counts 128 KiB and a cluster of the table 8 MiB.
        var random = new RandomSource(output.WriteLine);
        using var exploration = new Exploration(random, Exploration.Create(10 << 20, 9), backing: null);
        var sectors = exploration.Model.SectorCount;
        for (var sector = 0; sector < sectors; sector += 1000)
        {
            exploration.Write(sector, Math.Min(1000, sectors - sector));
            for (var steps = random.Next(20); steps > 0; steps--) exploration.Driver.Step();
            exploration.Quiesce();
            if (random.Once(4)) exploration.Flush();
        }
        exploration.CloseClean();
        Assert.True(new Fsck(exploration.Recording.Live).RefcountTableClusters > 1, "the table did not grow");
        // The growth is a moment in a long log: cut around each write that is larger than a block or that goes to the header.
        var log = exploration.Recording.Log;
        var header = Enumerable.Range(0, log.Count).Where(index => log[index] is { Operation: BlockOperation.Write, Offset: < 512 }).ToList();
        Assert.NotEmpty(header);
        foreach (var index in header.Take(20))
        {
            for (var position = Math.Max(0, index - 6); position <= Math.Min(log.Count, index + 6); position++)
            {
                foreach (var survives in new[] { (_, _) => true, (_, _) => false, RecordingBlockFile.RandomFate(random), RecordingBlockFile.RandomFate(random) })
                    exploration.CheckDisk(exploration.Recording.AfterPowerCut(position, survives), position, () => $"cut at {position}, header written at {index}: {log[index]}");
            }
        }
    }

    [Fact]
    public void The_second_opinion_agrees_with_qemu_img() => Agrees(Exploration.Create(1021 * 512, 12));

    [Fact]
    public void It_agrees_on_extended_entries_too() => Agrees(Exploration.CreateByQemu(1021 * 512, 14, null, "extended_l2=on"));

    private void Agrees(MemoryBlockFile image)
    {
        var random = new RandomSource(output.WriteLine);
        using var directory = new TempDirectory();
        using var exploration = new Exploration(random, image, backing: null);
        exploration.Run(200);
        exploration.CutPower(6, (disk, _) =>
        {
            disk.SaveTo(directory["cut.qcow2"]);
            var verdict = QemuImg.Check(directory["cut.qcow2"], out var words);
            Assert.True(verdict == (new Fsck(disk).LeaksInFile == 0 ? CheckVerdict.Clean : CheckVerdict.LeaksOnly), words);
        });
    }
}
