using System.Globalization;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Images with internal snapshots of QEMU's making: the active layer is written, the snapshots stay what they were.</summary>
[Trait("Length", "Long")]
public sealed class SnapshotTests(ITestOutputHelper output) : IDisposable
{
    private const int Size = 2 << 20;

    private readonly TempDirectory _directory = new();

    /// <summary>Snapshots, and options of the image.</summary>
    public static TheoryData<int, string> Images => new()
    {
        { 1, "cluster_size=4096" },
        { 2, "cluster_size=512" },
        { 3, "cluster_size=4096,refcount_bits=4" },
        { 2, "cluster_size=512,refcount_bits=2" },
        { 3, "cluster_size=4096,refcount_bits=64" },
        { 1, "cluster_size=4096,compat=0.10" },
    };

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Images))]
    public void The_active_layer_takes_writes_and_every_snapshot_keeps_its_bytes(int snapshots, string options)
    {
        var random = new RandomSource(output.WriteLine);
        var contents = Make(snapshots, options, random);
        var images = Holding(MemoryBlockFile.LoadFrom(_directory["t"]));
        var driver = images.Drive("t", random);
        driver.Writer.RefillClusters = random.Pick(4, 1024);
        var model = contents[^1].ToArray();
        Workload.AssertSame(model, TestImages.ReadAll(driver.Image));
        new Workload(driver, model, random).Run(steps: 500);
        driver.Close();

        ((MemoryBlockFile)images.Files["t"]).SaveTo(_directory["after"]);
        TestImages.AssertChecked(_directory["after"], CheckVerdict.Clean);
        AssertContent(_directory["after"], null, model);
        for (var i = 0; i < snapshots; i++) AssertContent(_directory["after"], Name(i), contents[i]);
        // QEMU goes back to a snapshot, and can still delete them all. With counts of two bits it needs room for one use more.
        for (var i = 1; i < snapshots && options.Contains("refcount_bits=2", StringComparison.Ordinal); i++) QemuImg.Run("snapshot", "-d", Name(i), _directory["after"]).EnsureSuccess();
        QemuImg.Run("snapshot", "-a", Name(0), _directory["after"]).EnsureSuccess();
        TestImages.AssertChecked(_directory["after"], CheckVerdict.Clean);
        AssertContent(_directory["after"], null, contents[0]);
        QemuImg.Run("snapshot", "-d", Name(0), _directory["after"]).EnsureSuccess();
        TestImages.AssertChecked(_directory["after"], CheckVerdict.Clean);
    }

    [Theory]
    [MemberData(nameof(Images))]
    public void A_power_cut_leaves_leaks_at_most_and_the_snapshots_whole(int snapshots, string options)
    {
        var random = new RandomSource(output.WriteLine);
        var contents = Make(snapshots, options, random);
        var recording = new RecordingBlockFile(MemoryBlockFile.LoadFrom(_directory["t"]));
        var driver = Holding(recording).Drive("t", random);
        driver.Writer.RefillClusters = random.Pick(2, 16);
        new Workload(driver, contents[^1].ToArray(), random).Run(steps: 150);
        driver.Close();

        for (var cut = 0; cut < 12; cut++)
        {
            var disk = recording.AfterPowerCut(random.Next(recording.Position + 1), RecordingBlockFile.RandomFate(random));
            var reopened = Holding(disk).Drive("t");
            reopened.WriteThrough(random.Next(Size), new byte[1]);
            if (cut % 4 != 0)
            {
                reopened.Close(CloseMode.Abandon);
                continue;
            }
            disk.SaveTo(_directory["cut"]);
            TestImages.AssertChecked(_directory["cut"], CheckVerdict.Clean, CheckVerdict.LeaksOnly);
            reopened.Close();
            disk.SaveTo(_directory["cut"]);
            TestImages.AssertChecked(_directory["cut"], CheckVerdict.Clean);
            var chosen = random.Next(snapshots);
            AssertContent(_directory["cut"], Name(chosen), contents[chosen]);
        }
    }

    [Fact]
    public void The_state_of_a_machine_behind_the_end_of_the_disk_is_counted_and_kept()
    {
        QemuImg.Create(_directory["t"], 1 << 20, "cluster_size=4096");
        var file = MemoryBlockFile.LoadFrom(_directory["t"]);
        // As QEMU keeps it: an L1 entry behind those of the disk, here one that a later resize would have left.
        QemuImg.Run("resize", _directory["t"], "4M").EnsureSuccess();
        QemuImg.Io(_directory["t"], "write -q -P 7 3M 64k").EnsureSuccess();
        QemuImg.Run("snapshot", "-c", "a", _directory["t"]).EnsureSuccess();
        file = MemoryBlockFile.LoadFrom(_directory["t"]);
        file.Write(24, [0, 0, 0, 0, 0, 0x10, 0, 0]);
        var images = Holding(file);

        var driver = images.Drive("t");
        driver.WriteThrough(0, new byte[5000]);
        driver.Close();

        file.Reopen().Write(24, [0, 0, 0, 0, 0, 0x40, 0, 0]);
        file.SaveTo(_directory["after"]);
        TestImages.AssertChecked(_directory["after"], CheckVerdict.Clean);
        QemuImg.Io(_directory["after"], "read -P 7 3M 64k").EnsureSuccess();
    }

    [Fact]
    public void A_snapshot_whose_table_lies_in_data_keeps_the_image_read_only()
    {
        var random = new RandomSource(output.WriteLine);
        Make(1, "cluster_size=4096", random);
        var file = MemoryBlockFile.LoadFrom(_directory["t"]);
        var header = Qcow2.Format.ImageHeader.ReadFrom(file);
        var word = new byte[8];
        file.Read(header.L1Table.Value, word);
        // The snapshot's L1 table is now the active layer's first L2 table.
        word[0] = 0;
        file.Write(header.Snapshots.Value, word);

        var refusal = Assert.Throws<Qcow2.Format.Qcow2FormatException>(() => Holding(file).Open("t").Dispose());

        output.WriteLine(refusal.Message);
        Assert.Equal(Qcow2.Format.Qcow2FormatError.Inconsistent, refusal.Error);
        Holding(file).Open("t", ImageAccess.ReadOnly).Dispose();
    }

    private static string Name(int index) => "s" + index.ToString(CultureInfo.InvariantCulture);

    private static TestImages Holding(IBlockFile file)
    {
        var images = new TestImages();
        images.Files["t"] = file;
        return images;
    }

    // What the disk held at each snapshot, and at last.
    private List<byte[]> Make(int snapshots, string options, RandomSource random)
    {
        QemuImg.Create(_directory["t"], Size, options);
        var contents = new List<byte[]>();
        var content = new byte[Size];
        for (var i = 0; i <= snapshots; i++)
        {
            var commands = new List<string>();
            for (var write = 0; write < 6; write++)
            {
                var start = random.Next(Size / 512) * 512;
                var length = Math.Min(random.Next(1, 300) * 512, Size - start);
                var pattern = random.Next(1, 256);
                content.AsSpan(start, length).Fill((byte)pattern);
                commands.Add($"write -q -P {pattern} {start} {length}");
            }
            QemuImg.Io(_directory["t"], [.. commands]).EnsureSuccess();
            contents.Add([.. content]);
            if (i < snapshots) QemuImg.Run("snapshot", "-c", Name(i), _directory["t"]).EnsureSuccess();
        }
        return contents;
    }

    private void AssertContent(string path, string? snapshot, byte[] expected)
    {
        string[] which = snapshot is null ? [] : ["-l", snapshot];
        QemuImg.Convert(path, "qcow2", _directory["raw"], "raw", which);
        Workload.AssertSame(expected, File.ReadAllBytes(_directory["raw"]));
    }
}
