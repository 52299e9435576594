using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Tests.Image.Model;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Images of every shape that qemu-img makes, against a byte array while they are served and against qemu-img afterwards.</summary>
[Trait("Length", "Long")]
public sealed class EdgeTests(ITestOutputHelper output) : IDisposable
{
    private const long DefaultCacheBytes = 8 << 20;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(1 << 20, "cluster_size=512")]
    [InlineData(1000 * 512, "cluster_size=4096")]
    [InlineData(3 << 20, "cluster_size=65536")]
    [InlineData((5 << 20) + 512, "cluster_size=2M")]
    [InlineData(3 << 20, "cluster_size=65536,compat=0.10")]
    [InlineData(1 << 20, "cluster_size=512,compat=0.10")]
    [InlineData(3 << 20, "preallocation=metadata")]
    [InlineData(3 << 20, "preallocation=falloc,cluster_size=4096")]
    public void An_empty_image(int size, string options)
    {
        QemuImg.Create(_directory["image"], size, options);
        Exercise(new byte[size]);
    }

    [Theory]
    [InlineData(1 << 20, 100_000, "cluster_size=65536")]
    [InlineData(1 << 20, 100_000, "cluster_size=512")]
    [InlineData(1 << 20, 100_000, "cluster_size=65536,compat=0.10")]
    [InlineData(100_352, 1 << 20, "cluster_size=65536")]
    [InlineData(1 << 20, 1 << 20, "cluster_size=4096")]
    [InlineData(1000 * 512, 777 * 512 + 1, "cluster_size=2M")]
    public void An_overlay_on_a_raw_base(int size, int baseSize, string options)
    {
        var content = new RandomSource(output.WriteLine).Bytes(baseSize);
        var raw = _directory.File("base", content);
        QemuImg.CreateOverlay(_directory["image"], "base", "raw", size, options);
        var model = new byte[size];
        content.AsSpan(0, Math.Min(size, baseSize)).CopyTo(model);
        Exercise(model);
        Assert.Equal(content, File.ReadAllBytes(raw));
    }

    [Theory]
    [InlineData("cluster_size=4096", "cluster_size=65536")]
    [InlineData("cluster_size=65536", "cluster_size=512")]
    [InlineData("cluster_size=65536,compat=0.10", "cluster_size=65536,compat=0.10")]
    public void An_overlay_on_a_compressed_base_of_another_cluster_size(string options, string baseOptions)
    {
        var content = Compressible(700 * 1024);
        _directory.File("raw", content);
        QemuImg.Convert(_directory["raw"], "raw", _directory["base"], "qcow2", "-c", "-o", baseOptions);
        QemuImg.CreateOverlay(_directory["image"], "base", "qcow2", 1 << 20, options);
        var model = new byte[1 << 20];
        content.CopyTo(model, 0);
        Exercise(model);
    }

    [Theory]
    [InlineData("cluster_size=65536")]
    [InlineData("cluster_size=4096")]
    [InlineData("cluster_size=512")]
    [InlineData("cluster_size=65536,compat=0.10")]
    public void A_compressed_image_that_is_written(string options)
    {
        var content = Compressible(700 * 1024);
        _directory.File("raw", content);
        QemuImg.Convert(_directory["raw"], "raw", _directory["image"], "qcow2", "-c", "-o", options);
        Exercise(content);
    }

    [Theory]
    [InlineData("cluster_size=65536")]
    [InlineData("cluster_size=512")]
    public void An_image_that_qemu_has_written_and_discarded_in(string options)
    {
        QemuImg.Create(_directory["image"], 1 << 20, options);
        QemuImg.IoWith(["-f", "qcow2", "-d", "unmap"], _directory["image"],
            "write -P 5 0 1M", "discard 64k 128k", "write -z 256k 64k", "write -z -u 384k 64k", "write -P 6 300k 1k", "discard 513k 100k").EnsureSuccess();
        QemuImg.Convert(_directory["image"], "qcow2", _directory["raw"], "raw");
        Exercise(File.ReadAllBytes(_directory["raw"]));
    }

    [Fact]
    public void A_huge_disk_is_zeroed_in_bounded_steps()
    {
        QemuImg.Create(_directory["image"], 4L << 40);
        var file = MemoryBlockFile.LoadFrom(_directory["image"]);
        var time = new ManualTime();
        using var image = Open(new ModelFiles().Add("/image", file), "/image", time, DefaultCacheBytes);
        var driver = new ModelDriver(image.Writer!, new RandomSource(output.WriteLine), time);
        var write = driver.Write(3L << 40, new byte[65536]);
        driver.Finish(write, "write");
        var zero = driver.Zero(0, image.Length, ZeroSpace.Free);
        driver.Finish(zero, "zeroing of 4 TiB");
        Assert.True(zero.Succeeded, $"{zero.Fault}");
        driver.Close(CloseMode.Commit);
        image.Dispose();
        file.SaveTo(_directory["image"]);
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(_directory["image"], out var words));
        output.WriteLine(words);
    }

    [Theory]
    [InlineData("cluster_size=2M")]
    [InlineData("cluster_size=512")]
    public void An_image_whose_tables_do_not_fit_the_cache(string options)
    {
        // A table that is loaded for the writer must stay until the writer has it, however many others want room.
        QemuImg.Create(_directory["image"], 5 << 20, options);
        QemuImg.Io(_directory["image"], "write -P 5 0 64k").EnsureSuccess();
        var model = new byte[5 << 20];
        model.AsSpan(0, 65536).Fill(5);
        Exercise(model, cacheBytes: 64 << 10);
    }

    [Fact]
    public void An_overlay_on_a_real_file_system()
    {
        var content = new RandomSource(output.WriteLine).Bytes(300_000);
        _directory.File("base", content);
        QemuImg.CreateOverlay(_directory["image"], "base", "raw", 1 << 20, "cluster_size=4096");
        var model = new byte[1 << 20];
        content.CopyTo(model, 0);
        Session(new RootedImageFiles([_directory.Path], []), "image", model, new RandomSource(output.WriteLine), operations: 15, DefaultCacheBytes);
        Judge(model, "after the session");
    }

    private static byte[] Compressible(int size)
    {
        var random = new Random(7);
        var content = new byte[size];
        for (var offset = 0; offset < size; offset += 512)
        {
            // Some sectors of one byte, some of noise, some of zeros: streams of very different length.
            var sector = content.AsSpan(offset, Math.Min(512, size - offset));
            switch (random.Next(4))
            {
                case 0: random.NextBytes(sector); break;
                case 1 or 2: sector.Fill((byte)random.Next(256)); break;
            }
        }
        return content;
    }

    private static Qcow2Image Open(IImageFiles files, string path, ManualTime time, long cacheBytes)
    {
        var cache = new CacheBudget(cacheBytes);
        return Qcow2Image.Open(new ImageOpenOptions
        {
            Path = path,
            Access = ImageAccess.ReadWrite,
            Files = files,
            Backings = new BackingImages(files, cache),
            Cache = cache,
            Time = time,
        });
    }

    /// <summary>Twice: loads the image, works on it, closes it and has it judged.</summary>
    private void Exercise(byte[] model, long cacheBytes = DefaultCacheBytes)
    {
        var random = new RandomSource(output.WriteLine);
        var features = QemuImg.Info(_directory["image"]).GetProperty("format-specific").ToString();
        for (var session = 0; session < 2; session++)
        {
            var file = MemoryBlockFile.LoadFrom(_directory["image"]);
            var files = new ModelFiles().Add("/image", file);
            if (File.Exists(_directory["base"])) files.Add("/base", MemoryBlockFile.LoadFrom(_directory["base"]));
            Session(files, "/image", model, random, operations: 50, cacheBytes);
            Assert.Equal(0, files.OpenCount);
            file.SaveTo(_directory["image"]);
            Judge(model, $"session {session}");
            Assert.Equal(features, QemuImg.Info(_directory["image"]).GetProperty("format-specific").ToString());
        }
    }

    private static void Session(IImageFiles files, string path, byte[] model, RandomSource random, int operations, long cacheBytes)
    {
        var time = new ManualTime();
        using var image = Open(files, path, time, cacheBytes);
        Assert.Equal(model.Length, image.Length);
        var driver = new ModelDriver(image.Writer!, random, time);
        AssertReads(image, model, 0, model.Length);
        for (var operation = 0; operation < operations; operation++) One(image, driver, model, random);
        AssertReads(image, model, 0, model.Length);
        driver.Close(CloseMode.Commit);
        Assert.Null(image.Writer!.Fault);
    }

    private void Judge(byte[] model, string when)
    {
        Assert.True(QemuImg.Check(_directory["image"], out var words) == CheckVerdict.Clean, words);
        _directory.File("model", model);
        Assert.True(QemuImg.Compare(_directory["image"], "qcow2", _directory["model"], "raw"), $"{when}: qemu-img reads something else");
    }

    private static void One(Qcow2Image image, ModelDriver driver, byte[] model, RandomSource random)
    {
        // Any byte may be the first or the last: SCSI has sectors, the engine knows bytes.
        var cluster = image.Geometry.ClusterBytes;
        var unit = random.Pick(1, 512, cluster);
        var offset = random.Next(model.Length) / unit * unit;
        var length = Math.Min(model.Length - offset, Math.Max(1, random.Next(Math.Min(4 * cluster, 300_000)) / unit * unit));
        switch (random.Next(8))
        {
            case 0 or 1 or 2 or 3:
                var data = random.Bytes(length);
                data.CopyTo(model, offset);
                if (random.Once(2) && image.TryWrite(offset, data)) break;
                Done(driver, driver.Write(offset, data));
                break;
            case 4 or 5:
                model.AsSpan(offset, length).Clear();
                Done(driver, driver.Zero(offset, length, random.Pick(ZeroSpace.Free, ZeroSpace.Keep)));
                break;
            case 6:
                Done(driver, driver.Flush());
                break;
            default:
                AssertReads(image, model, offset, length);
                break;
        }
    }

    private static void Done(ModelDriver driver, ModelOutcome outcome)
    {
        driver.Finish(outcome, "request");
        Assert.True(outcome.Succeeded, $"{outcome.Fault}");
    }

    private static void AssertReads(Qcow2Image image, byte[] model, int offset, int length)
    {
        var read = new byte[length];
        if (!image.TryRead(offset, read)) image.Read(offset, read);
        var wrong = read.AsSpan().CommonPrefixLength(model.AsSpan(offset, length));
        Assert.True(wrong == length, $"byte {offset + wrong} of the disk is wrong");
    }
}
