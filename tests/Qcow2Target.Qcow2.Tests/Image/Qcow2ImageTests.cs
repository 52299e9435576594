using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Opening and reading, with images of QEMU's making.</summary>
public sealed class Qcow2ImageTests(ITestOutputHelper output) : IDisposable
{
    private const int MaxCompared = 64 << 20;

    private readonly TempDirectory _directory = new();
    private readonly CacheBudget _cache = new(1 << 20);

    public static TheoryData<int> Opened => ImageMatrix.Indices(row => row.Served != Served.Refused);

    public static TheoryData<int> Refused => ImageMatrix.Indices(row => row.Served == Served.Refused);

    public static TheoryData<int> ReadOnly => ImageMatrix.Indices(row => row.Served == Served.ReadOnly);

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
        if (File.Exists(_directory["base.qcow2"])) QemuImg.Io(_directory["base.qcow2"], "write 0 512").EnsureSuccess();
    }

    private Qcow2Image Open(string path, ImageAccess access)
    {
        var files = new RootedImageFiles([_directory.Path], []);
        return Qcow2Image.Open(new ImageOpenOptions { Path = path, Access = access, Files = files, Backings = new BackingImages(files, _cache), Cache = _cache });
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
