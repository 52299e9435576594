using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Images whose data lies in a file beside them, made and judged by QEMU, which looks for that file in its current directory.</summary>
[Trait("Length", "Long")]
public sealed class ExternalDataFileTests(ITestOutputHelper output) : IDisposable
{
    private const int Cluster = 65536;

    private readonly TempDirectory _directory = new();
    private readonly CacheBudget _cache = new(1 << 20);

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("", 0)]
    [InlineData(",data_file_raw=on", 0)]
    [InlineData(",cluster_size=4k", 1_500_000)]
    [InlineData(",extended_l2=on,cluster_size=16k", 3_000_000)]
    [InlineData(",extended_l2=on,data_file_raw=on", 0)]
    public void What_is_written_is_what_QEMU_reads_and_a_raw_file_is_kept_in_step(string options, int baseBytes)
    {
        const int Size = (3 << 20) - 1536;
        var random = new RandomSource(output.WriteLine);
        var model = new byte[Size];
        var below = baseBytes == 0 ? "" : "-b base.raw -F raw";
        var content = random.Bytes(baseBytes);
        _directory.File("base.raw", content);
        content.AsSpan(0, Math.Min(Size, baseBytes)).CopyTo(model);
        Shell($"qemu-img create -q -f qcow2 -o data_file=t.data{options} {below} t {Size}");
        var header = Header();

        for (var round = 0; round < 2; round++)
        {
            var driver = new WriterDriver(Open(ImageAccess.ReadWrite), random);
            Workload.AssertSame(model, TestImages.ReadAll(driver.Image));
            new Workload(driver, model, random).Run(steps: 600);
            driver.Close();
            Shell("qemu-img check -f qcow2 t");
            Assert.Equal(header, Header());
            _directory.File("model", model);
            Shell("qemu-img compare -f qcow2 -F raw t model");
            // QEMU, too, fills its last cluster up.
            if (options.Contains("raw", StringComparison.Ordinal)) Workload.AssertSame([.. model, .. new byte[1536]], File.ReadAllBytes(_directory["t.data"]));
        }
    }

    [Theory]
    [InlineData("", ZeroSpace.Keep, 0x77)]
    [InlineData("", ZeroSpace.Free, 0)]
    [InlineData(",data_file_raw=on", ZeroSpace.Keep, 0)]
    [InlineData(",data_file_raw=on", ZeroSpace.Free, 0)]
    public void Zeros_reach_the_data_file_where_it_is_raw_or_space_is_given_back(string options, ZeroSpace space, byte left)
    {
        Shell($"qemu-img create -q -f qcow2 -o data_file=t.data{options} t 1M && qemu-io -f qcow2 -c 'write -q -P 0x77 0 1M' t");
        var driver = new WriterDriver(Open(ImageAccess.ReadWrite));
        var zeroed = driver.Zero(Cluster, 3 * Cluster, space);
        driver.RunAll();
        Assert.True(zeroed.Succeeded, zeroed.Fault?.Message);
        Assert.Equal(-1, TestImages.ReadAll(driver.Image).AsSpan(Cluster, 3 * Cluster).IndexOfAnyExcept((byte)0));
        driver.Close();
        var data = File.ReadAllBytes(_directory["t.data"]);
        Assert.Equal(-1, data.AsSpan(Cluster, 3 * Cluster).IndexOfAnyExcept(left));
        Assert.Equal(-1, data.AsSpan(0, Cluster).IndexOfAnyExcept((byte)0x77));
        Assert.Equal(-1, data.AsSpan(4 * Cluster).IndexOfAnyExcept((byte)0x77));
        Shell("qemu-img check -f qcow2 t && qemu-io -f qcow2 -c 'read -P 0 64k 192k' -c 'read -P 0x77 0 64k' t");
    }

    [Fact]
    public void Stale_bytes_of_the_data_file_never_show()
    {
        Shell("qemu-img create -q -f qcow2 -o data_file=t.data t 1M && qemu-io -f raw -c 'write -q -P 0x55 0 1M' t.data");
        var driver = new WriterDriver(Open(ImageAccess.ReadWrite));
        driver.WriteThrough(Cluster + 512, new byte[] { 1 });
        var expected = new byte[1 << 20];
        expected[Cluster + 512] = 1;
        Workload.AssertSame(expected, TestImages.ReadAll(driver.Image));
        driver.Close();
        _directory.File("model", expected);
        Shell("qemu-img compare -f qcow2 -F raw t model");
    }

    [Fact]
    public void Data_is_durable_before_an_entry_points_to_it_and_a_flush_covers_both_files()
    {
        Shell("qemu-img create -q -f qcow2 -o data_file=t.data t 1M");
        var log = new List<string>();
        var images = new TestImages { DataFiles = DataFileUse.Allowed };
        images.Files["t"] = new Watched(MemoryBlockFile.LoadFrom(_directory["t"]), "image", log);
        images.Files["t.data"] = new Watched(MemoryBlockFile.LoadFrom(_directory["t.data"]), "data", log);
        var driver = new WriterDriver(images.Open("t"));
        driver.WriteThrough(0, new byte[512]);
        driver.Flush();
        driver.RunAll();
        log.Clear();

        // The table is there now: the entry of the second cluster comes behind the sync of its data.
        driver.WriteThrough(Cluster, new byte[512]);
        driver.Flush();
        driver.RunAll();
        Assert.Equal(["data write", "data sync", "image sync", "image write", "data sync", "image sync"], log);

        log.Clear();
        Assert.True(driver.Image.TryWrite(Cluster, new byte[512]));
        var flush = driver.Flush();
        driver.RunAll();
        Assert.True(flush.Succeeded);
        Assert.Equal(["data write", "data sync", "image sync"], log);
        driver.Close();
        Assert.Equal(0, images.Files.OpenCount);
    }

    [Theory]
    [InlineData(ImageAccess.ReadOnly)]
    [InlineData(ImageAccess.ReadWrite)]
    public void Without_leave_it_is_refused_by_name_and_its_file_is_not_opened(ImageAccess access)
    {
        Shell("qemu-img create -q -f qcow2 -o data_file=t.data t 1M && rm t.data");
        var refusal = Assert.Throws<Qcow2FormatException>(() => Open(access, DataFileUse.Refused));
        Assert.Equal(Qcow2FormatError.UnsupportedFeature, refusal.Error);
        Assert.Contains("external data file 't.data' not supported", refusal.Message, StringComparison.Ordinal);
        // A base is no way round it.
        Shell("qemu-img create -q -f qcow2 -u -b t -F qcow2 over 1M && mv t base && mv over t && qemu-img rebase -q -u -F qcow2 -b base t");
        Assert.Contains("external data file", Assert.Throws<Qcow2FormatException>(() => Open(access, DataFileUse.Refused)).Message, StringComparison.Ordinal);
        Assert.Equal(0, _cache.UsedBytes);
    }

    [Theory]
    [InlineData("/etc/passwd", ImageFileError.OutsideRoots)]
    [InlineData("../../../../../../etc/passwd", ImageFileError.OutsideRoots)]
    [InlineData("json:{}", ImageFileError.ProtocolName)]
    [InlineData("gone.data", ImageFileError.NotFound)]
    [InlineData("directory", ImageFileError.NotRegularFile)]
    public void Its_file_is_found_below_the_roots_only(string name, ImageFileError error)
    {
        Directory.CreateDirectory(_directory["directory"]);
        MakeNaming(name);
        foreach (var access in new[] { ImageAccess.ReadOnly, ImageAccess.ReadWrite })
            Assert.Equal(error, Assert.Throws<ImageFileException>(() => Open(access)).Error);
        Assert.Equal(0, _cache.UsedBytes);
        Eventually.Now(() => QemuImg.Run("info", "-f", "qcow2", _directory["t"]).Succeeded);
    }

    [Fact]
    public void An_image_is_not_its_own_data_file()
    {
        MakeNaming("./t");
        Assert.Equal(Qcow2FormatError.Malformed, Assert.Throws<Qcow2FormatException>(() => Open(ImageAccess.ReadOnly)).Error);
        Assert.Equal(ImageFileError.InUse, Assert.Throws<ImageFileException>(() => Open(ImageAccess.ReadWrite)).Error);
    }

    [Fact]
    public void Two_images_do_not_write_one_data_file_and_nothing_is_left_locked()
    {
        Shell("qemu-img create -q -f qcow2 -o data_file=t.data t 1M && cp t other");
        var driver = new WriterDriver(Open(ImageAccess.ReadWrite));
        var refusal = Assert.Throws<ImageFileException>(() => Open(ImageAccess.ReadWrite, path: "other"));
        Assert.Equal((ImageFileError.InUse, _directory["t.data"]), (refusal.Error, refusal.Path));
        Assert.Contains("lock", Run("qemu-io -f qcow2 -c 'write 0 512' other").ToString(), StringComparison.Ordinal);
        driver.Close();
        Eventually.Now(() => Run("qemu-io -f qcow2 -c 'write 0 512' other").Succeeded);
    }

    [Fact]
    public void Read_only_and_as_a_base_not_a_byte_of_either_file_changes()
    {
        Shell("qemu-img create -q -f qcow2 -o data_file=t.data,data_file_raw=on t 1M && qemu-io -f qcow2 -c 'write -q -P 0x77 64k 1k' t && printf '\\377' | dd of=t bs=1 seek=88 conv=notrunc status=none");
        var (image, data) = (File.ReadAllBytes(_directory["t"]), File.ReadAllBytes(_directory["t.data"]));
        using (var readOnly = Open(ImageAccess.ReadOnly)) Workload.AssertSame(data, TestImages.ReadAll(readOnly));
        Shell("qemu-img create -q -f qcow2 -u -b t -F qcow2 over 1M");
        var driver = new WriterDriver(Open(ImageAccess.ReadWrite, path: "over"));
        driver.WriteThrough(Cluster, new byte[512]);
        data.AsSpan(Cluster, 512).Clear();
        Workload.AssertSame(data, TestImages.ReadAll(driver.Image));
        driver.Close();
        Assert.Equal(image, File.ReadAllBytes(_directory["t"]));
        Assert.Equal(0x77, File.ReadAllBytes(_directory["t.data"])[Cluster]);
    }

    [Fact]
    public void A_mapping_to_another_place_than_its_own_is_impossible()
    {
        Shell("qemu-img create -q -f qcow2 -o data_file=t.data t 1M && qemu-io -f qcow2 -c 'write -q -P 1 0 128k' t");
        // The second entry of the first table points to the first cluster.
        Shell("printf '\\0' | dd of=t bs=1 seek=$((0x40000 + 8 + 5)) conv=notrunc status=none");
        using var image = Open(ImageAccess.ReadOnly);
        image.Read(0, new byte[Cluster]);
        Assert.Throws<ImageFaultException>(() => image.Read(Cluster, new byte[512]));
    }

    [Fact]
    public void A_raw_data_file_and_a_backing_file_exclude_each_other()
    {
        _directory.File("base.raw", new byte[512]);
        Shell("qemu-img create -q -f qcow2 -o data_file=t.data -b base.raw -F raw t 1M && printf '\\2' | dd of=t bs=1 seek=95 conv=notrunc status=none");
        Assert.Contains("base.raw", Assert.Throws<Qcow2FormatException>(() => Open(ImageAccess.ReadOnly)).Message, StringComparison.Ordinal);
    }

    // QEMU opens a data file when it makes an image that names it, so the name is put in afterwards.
    private void MakeNaming(string name)
    {
        var placeholder = new string('x', name.Length);
        Shell($"qemu-img create -q -f qcow2 -o data_file={placeholder} t 1M");
        var bytes = File.ReadAllBytes(_directory["t"]);
        System.Text.Encoding.ASCII.GetBytes(name).CopyTo(bytes, bytes.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(placeholder)));
        File.WriteAllBytes(_directory["t"], bytes);
    }

    // All of the header's features: nothing is cleared.
    private byte[] Header() => File.ReadAllBytes(_directory["t"])[72..112];

    private void Shell(string script) => Run(script).EnsureSuccess();

    private ToolResult Run(string script) => Tool.Run("bash", ["-c", $"set -e; cd {_directory.Path}; {script}"]);

    private Qcow2Image Open(ImageAccess access, DataFileUse use = DataFileUse.Allowed, string path = "t")
    {
        var files = new RootedImageFiles([_directory.Path], []);
        return Qcow2Image.Open(new ImageOpenOptions { Path = path, Access = access, Files = files, Backings = new BackingImages(files, _cache), Cache = _cache, DataFiles = use });
    }

    private sealed class Watched(IBlockFile file, string name, List<string> log) : IBlockFile
    {
        public long Length => file.Length;

        public bool TryRead(long offset, Span<byte> destination) => file.TryRead(offset, destination);

        public void Read(long offset, Span<byte> destination) => file.Read(offset, destination);

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            log.Add(name + " write");
            file.Write(offset, source);
        }

        public bool Punch(long offset, long length) => file.Punch(offset, length);

        public void Sync()
        {
            log.Add(name + " sync");
            file.Sync();
        }

        public void Dispose() => file.Dispose();
    }
}
