using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Opening and reading, with images of QEMU's making.</summary>
[Trait("Length", "Long")]
public sealed class Qcow2ImageTests(ITestOutputHelper output) : IDisposable
{
    private const int MaxCompared = 64 << 20;

    private readonly TempDirectory _directory = new();
    private readonly CacheBudget _cache = new(1 << 20);

    public static TheoryData<int> Opened => ImageMatrix.Indices(row => row.Served != Served.Refused);

    public static TheoryData<int> Refused => ImageMatrix.Indices(row => row.Served == Served.Refused);

    public static TheoryData<int> ReadOnly => ImageMatrix.Indices(row => row.Served == Served.ReadOnly);

    public static TheoryData<int> Writable => ImageMatrix.Indices(row => row.Served == Served.Writable);

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Opened))]
    public void Read_only_it_reads_as_in_QEMU_and_not_a_byte_of_the_file_changes(int index)
    {
        var row = ImageMatrix.Rows[index];
        output.WriteLine(row.Name);
        var path = ImageMatrix.Make(_directory, row);
        var before = File.GetLastWriteTimeUtc(path);
        using (var image = Open(path, ImageAccess.ReadOnly))
        {
            Assert.True(image.IsReadOnly);
            if (ImageMatrix.ContentDiffers.Contains(row.Name.Split(' ')[0])) Assert.Throws<ImageFaultException>(() => ReadAll(image));
            else AssertReadsAsQemu(path, image);
        }
        Assert.Equal(before, File.GetLastWriteTimeUtc(path));
        Assert.Equal(0, _cache.UsedBytes);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_is_not_supported_is_refused_by_name_and_leaves_nothing_open(int index)
    {
        var row = ImageMatrix.Rows[index];
        output.WriteLine(row.Name);
        var path = ImageMatrix.Make(_directory, row);
        foreach (var access in new[] { ImageAccess.ReadOnly, ImageAccess.ReadWrite })
        {
            var refusal = Assert.ThrowsAny<Exception>(() => Open(path, access).Dispose());
            output.WriteLine(refusal.Message);
            Assert.True(refusal is Qcow2FormatException or ImageFileException, refusal.ToString());
            Assert.Contains(row.Refusal, refusal.Message, StringComparison.Ordinal);
        }
        Assert.Equal(0, _cache.UsedBytes);
        // No lock is left: whoever opens it for writing next can.
        if (File.Exists(_directory["base.qcow2"])) Eventually.Now(() => QemuImg.Io(_directory["base.qcow2"], "write 0 512").Succeeded);
    }

    [Theory]
    [MemberData(nameof(Writable))]
    public void Read_write_it_takes_random_writes_and_stays_an_image_that_QEMU_finds_clean(int index)
    {
        var row = ImageMatrix.Rows[index];
        output.WriteLine(row.Name);
        var random = new RandomSource(output.WriteLine);
        var path = ImageMatrix.Make(_directory, row);
        var header = Header(path);
        var bases = Directory.GetFiles(_directory.Path).Where(file => file != path).ToDictionary(file => file, File.ReadAllBytes);
        var driver = new WriterDriver(Open(path, ImageAccess.ReadWrite), random);
        var model = new byte[Math.Min(driver.Image.Length, 8 << 20)];
        driver.Image.Read(0, model);
        var end = random.Bytes(512);
        driver.WriteThrough(driver.Image.Length - 512, end);
        if (driver.Image.Length <= model.Length) end.CopyTo(model, model.Length - 512);
        // Every row's special place is at the start.
        driver.WriteThrough(0, end);
        end.CopyTo(model, 0);
        new Workload(driver, model, random).Run(steps: 300);
        driver.Close();

        using (var image = Reopen(path))
        {
            var read = new byte[model.Length];
            image.Read(0, read);
            Workload.AssertSame(model, read);
            image.Read(image.Length - 512, read.AsSpan(0, 512));
            Workload.AssertSame(model.Length == image.Length ? model.AsSpan(model.Length - 512) : end, read.AsSpan(0, 512));
            if (image.Length <= MaxCompared) AssertReadsAsQemu(path, image);
        }
        TestImages.AssertChecked(path, row.Name.StartsWith("65", StringComparison.Ordinal) ? CheckVerdict.LeaksOnly : CheckVerdict.Clean);
        Assert.Equal(header, Header(path));
        foreach (var (file, content) in bases) Assert.True(content.AsSpan().SequenceEqual(File.ReadAllBytes(file)), $"{file} changed");
    }

    [Theory]
    [MemberData(nameof(ReadOnly))]
    public void What_can_only_be_read_is_refused_for_writing_by_name_and_not_changed(int index)
    {
        var row = ImageMatrix.Rows[index];
        output.WriteLine(row.Name);
        var path = ImageMatrix.Make(_directory, row);
        var before = File.ReadAllBytes(path);
        var refusal = Assert.Throws<Qcow2FormatException>(() => Open(path, ImageAccess.ReadWrite).Dispose());
        output.WriteLine(refusal.Message);
        Assert.True(refusal.Error is Qcow2FormatError.ReadOnlyFeature or Qcow2FormatError.Inconsistent);
        Assert.Contains(row.Refusal, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("read-only", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Equal(0, _cache.UsedBytes);
    }

    // The header cluster without the places that writing may change: the refcount table's, the autoclear word and the dirty bit, which may only be cleared.
    private static byte[] Header(string path)
    {
        var header = File.ReadAllBytes(path)[..512];
        header.AsSpan(48, 12).Clear();
        if (header[7] == 3) header.AsSpan(88, 8).Clear();
        if (header[7] == 3) header[79] &= 0xfe;
        return header;
    }

    private Qcow2Image Open(string path, ImageAccess access)
    {
        var files = new RootedImageFiles([_directory.Path], []);
        return Qcow2Image.Open(new ImageOpenOptions { Path = path, Access = access, Files = files, Backings = new BackingImages(files, _cache), Cache = _cache });
    }

    // A tool that another test starts has our descriptors, and so our locks, from its fork to its exec: only tests start tools.
    private Qcow2Image Reopen(string path)
    {
        Qcow2Image? image = null;
        Eventually.Now(() =>
        {
            try
            {
                image = Open(path, ImageAccess.ReadOnly);
                return true;
            }
            catch (ImageFileException exception) when (exception.Error == ImageFileError.InUse)
            {
                return false;
            }
        });
        return image!;
    }

    private void AssertReadsAsQemu(string path, Qcow2Image image)
    {
        var random = new RandomSource(output.WriteLine);
        var raw = new byte[Math.Min(image.Length, MaxCompared)];
        if (image.Length <= MaxCompared)
        {
            QemuImg.Run("convert", "-U", "-f", "qcow2", "-O", "raw", path, _directory["t.raw"]).EnsureSuccess();
            using var file = File.OpenRead(_directory["t.raw"]);
            file.ReadExactly(raw);
        }
        for (long offset = 0; offset < raw.Length;)
        {
            var piece = new byte[Math.Min(raw.Length - offset, random.Next(1, 300_000))];
            piece.AsSpan().Fill(0xee);
            if (random.Once(2) || !image.TryRead(offset, piece)) image.Read(offset, piece);
            Assert.True(piece.AsSpan().SequenceEqual(raw.AsSpan((int)offset, piece.Length)), $"differs in {piece.Length} bytes at {offset}");
            offset += piece.Length;
        }
    }

    private static void ReadAll(Qcow2Image image)
    {
        var piece = new byte[65536];
        for (long offset = 0; offset < image.Length; offset += piece.Length) image.Read(offset, piece.AsSpan(0, (int)Math.Min(piece.Length, image.Length - offset)));
    }
}
