using System.Buffers.Binary;
using System.Globalization;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Images with extended L2 entries beside QEMU: the same requests on two copies of one file, one of which qemu-io has.</summary>
[Trait("Length", "Long")]
public sealed class SubclusterTests(ITestOutputHelper output) : IDisposable
{
    private const int Cluster = 65536;
    private const int FirstL2 = 4 * Cluster;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("cluster_size=16k", 0)]
    [InlineData("cluster_size=16k,preallocation=metadata", 3_000_000)]
    [InlineData("cluster_size=64k", 5_000_192)]
    [InlineData("cluster_size=2M", 3_000_000)]
    public void The_same_requests_make_the_same_disk(string options, int baseBytes)
    {
        const int Size = (4 << 20) - 1536;
        var random = new RandomSource(output.WriteLine);
        string[] below = baseBytes == 0 ? [] : ["-b", "base.raw", "-F", "raw"];
        _directory.File("base.raw", random.Bytes(baseBytes));
        QemuImg.Run(["create", "-q", "-f", "qcow2", "-o", $"extended_l2=on,{options}", .. below, _directory["ours"], $"{Size}"]).EnsureSuccess();
        // QEMU does not compress over clusters that are there.
        QemuImg.Io(_directory["ours"], options.Contains("preallocation", StringComparison.Ordinal) ? "write -P 7 0 1M" : "write -c -P 7 0 2M").EnsureSuccess();
        File.Copy(_directory["ours"], _directory["theirs"]);

        for (var round = 0; round < 3; round++)
        {
            var driver = new WriterDriver(Open(_directory["ours"]), random);
            var commands = new List<string>();
            for (var i = 0; i < 40; i++)
            {
                var start = random.Next(Size / 512) * 512;
                var length = Math.Min(512 * random.Next(1, random.Once(4) ? 700 : 30), Size - start);
                var kind = random.Next(5);
                if (kind == 0)
                {
                    // What QEMU ignores of a discard, we make zeros.
                    var cluster = driver.Image.Geometry.ClusterBytes;
                    (start, length) = (start / cluster * cluster, Math.Min(cluster, Size - (start / cluster * cluster)));
                }
                commands.Add(kind switch
                {
                    0 => $"discard {start} {length}",
                    1 => $"write -z {start} {length}",
                    2 => $"write -z -u {start} {length}",
                    _ => $"write -P {i + 1} {start} {length}",
                });
                if (kind > 2) driver.WriteThrough(start, Enumerable.Repeat((byte)(i + 1), length).ToArray());
                else Zero(driver, start, length, kind == 1 ? ZeroSpace.Keep : ZeroSpace.Free);
            }
            driver.Close();
            QemuImg.IoWith(["-f", "qcow2", "-d", "unmap"], _directory["theirs"], [.. commands]).EnsureSuccess();
            TestImages.AssertChecked(_directory["ours"], CheckVerdict.Clean);
            Assert.True(QemuImg.Compare(_directory["ours"], "qcow2", _directory["theirs"], "qcow2"), string.Join('\n', commands));
            if (round > 0) continue;
            foreach (var name in new[] { "ours", "theirs" }) QemuImg.Run("snapshot", "-c", "first", _directory[name]).EnsureSuccess();
        }
        foreach (var name in new[] { "ours", "theirs" }) QemuImg.Run("snapshot", "-a", "first", _directory[name]).EnsureSuccess();
        TestImages.AssertChecked(_directory["ours"], CheckVerdict.Clean);
        Assert.True(QemuImg.Compare(_directory["ours"], "qcow2", _directory["theirs"], "qcow2"), "the snapshots differ");
    }

    [Theory]
    [InlineData("write -P 1 0 64k", 0, 65536, ZeroSpace.Free, "0", "ffffffff00000000")]
    [InlineData("write -P 1 0 64k", 0, 65536, ZeroSpace.Keep, "8000000000050000", "ffffffff00000000")]
    [InlineData("write -P 1 0 64k", 4096, 4096, ZeroSpace.Free, "8000000000050000", "0000000cfffffff3")]
    [InlineData("write -P 1 0 4k", 0, 4096, ZeroSpace.Free, "0", "0000000300000000")]
    [InlineData("write -P 1 0 4k", 0, 4096, ZeroSpace.Keep, "8000000000050000", "0000000300000000")]
    [InlineData("write -c -P 1 0 64k", 0, 65536, ZeroSpace.Keep, "0", "ffffffff00000000")]
    [InlineData("write -z 0 2k", 2048, 2048, ZeroSpace.Keep, "0", "0000000300000000")]
    [InlineData("write -P 1 5k 1k", 61440, 4096, ZeroSpace.Keep, "8000000000050000", "c000000000000004")]
    public void Zeros_become_the_words_that_QEMU_would_write(string before, int start, int length, ZeroSpace space, string descriptor, string bitmap)
    {
        _directory.File("base.raw", Enumerable.Repeat((byte)9, 4 << 20).ToArray());
        QemuImg.CreateOverlay(_directory["t"], "base.raw", "raw", null, "extended_l2=on");
        // The second cluster is there in any case, so that the table is.
        QemuImg.Io(_directory["t"], before, "write -P 4 64k 64k").EnsureSuccess();
        var driver = new WriterDriver(Open(_directory["t"]));
        Zero(driver, start, length, space);
        driver.Close();
        Assert.Equal((descriptor.PadLeft(16, '0'), bitmap), FirstEntry());
        TestImages.AssertChecked(_directory["t"], CheckVerdict.Clean);
    }

    [Fact]
    public void A_small_write_allocates_one_sub_cluster_and_the_next_fills_the_cluster_that_is_there()
    {
        QemuImg.Create(_directory["t"], 4 << 20, "extended_l2=on");
        var driver = new WriterDriver(Open(_directory["t"]));
        driver.WriteThrough(5 * 1024, new byte[1024]);
        Assert.True(driver.Image.TryWrite(4 * 1024, new byte[2048]));
        Assert.False(driver.Image.TryWrite(4 * 1024, new byte[2049]));
        driver.Close();
        var (first, bitmap) = FirstEntry();
        Assert.Equal(4, long.Parse(bitmap, NumberStyles.HexNumber, CultureInfo.InvariantCulture));

        driver = new WriterDriver(Open(_directory["t"]));
        driver.WriteThrough(10 * 1024, Enumerable.Repeat((byte)6, 6000).ToArray());
        driver.Close();
        Assert.Equal((first, "00000000000000e4"), FirstEntry());
        QemuImg.Io(_directory["t"], "read -P 6 10240 6000", "read -P 0 16240 10k").EnsureSuccess();
        TestImages.AssertChecked(_directory["t"], CheckVerdict.Clean);
    }

    private static void Zero(WriterDriver driver, long start, long length, ZeroSpace space)
    {
        var outcome = driver.Zero(start, length, space);
        driver.RunAll();
        Assert.True(outcome.Succeeded, outcome.Fault?.Message);
    }

    private (string Descriptor, string Bitmap) FirstEntry()
    {
        var words = new byte[16];
        using var file = File.OpenRead(_directory["t"]);
        file.Position = FirstL2;
        file.ReadExactly(words);
        return (BinaryPrimitives.ReadUInt64BigEndian(words).ToString("x16", CultureInfo.InvariantCulture), BinaryPrimitives.ReadUInt64BigEndian(words.AsSpan(8)).ToString("x16", CultureInfo.InvariantCulture));
    }

    private Qcow2Image Open(string path)
    {
        var files = new RootedImageFiles([_directory.Path], []);
        var cache = new CacheBudget(1 << 20);
        return Qcow2Image.Open(new ImageOpenOptions { Path = path, Access = ImageAccess.ReadWrite, Files = files, Backings = new BackingImages(files, cache), Cache = cache });
    }
}
