using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Io;

/// <summary>The locks against the real qemu-img and qemu-io, both ways.</summary>
public sealed class ImageLocksTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly RootedImageFiles _files;
    private readonly string _image;

    public ImageLocksTests()
    {
        _files = new RootedImageFiles([_directory.Path], []);
        _image = _directory["image.qcow2"];
        QemuImg.Create(_image, 1 << 20);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void While_we_write_an_image_qemu_neither_reads_nor_writes_it()
    {
        QemuImg.CreateOverlay(_directory["overlay.qcow2"], _image);
        using var ours = _files.Open(_image, ImageRole.ActiveReadWrite);

        AssertRefused("""Failed to get shared "write" lock""", QemuImg.Run("info", _image));
        AssertRefused("""Failed to get shared "write" lock""", QemuImg.Run("check", _image));
        AssertRefused("""Failed to get shared "write" lock""", QemuImg.Run("map", _image));
        AssertRefused("""Failed to get shared "write" lock""", QemuImg.Run("convert", "-O", "raw", _image, _directory["copy"]));
        AssertRefused("lock", QemuImg.IoWith(["-f", "qcow2", "-r"], _image, "read 0 512"));
        AssertRefused("""Failed to get "write" lock""", QemuImg.Io(_image, "read 0 512"));
        AssertRefused("""Failed to get "write" lock""", QemuImg.Run("resize", _image, "2M"));
        AssertRefused("""Failed to get "write" lock""", QemuImg.Run("snapshot", "-c", "s", _image));
        AssertRefused("""Failed to get "write" lock""", QemuImg.Run("create", "-f", "qcow2", _image, "1M"));
        AssertRefused("lock", QemuImg.Io(_directory["overlay.qcow2"], "read 0 512"));
    }

    [Fact]
    public void While_we_write_an_image_qemu_may_look_at_it_without_locks()
    {
        using var ours = _files.Open(_image, ImageRole.ActiveReadWrite);

        QemuImg.Run("info", "-U", _image).EnsureSuccess();
        QemuImg.Run("check", "-U", _image).EnsureSuccess();
        QemuImg.IoWith(["-f", "qcow2", "-r", "-U"], _image, "read 0 512").EnsureSuccess();
    }

    [Theory]
    [InlineData(ImageRole.ActiveReadOnly)]
    [InlineData(ImageRole.Backing)]
    public void While_we_read_an_image_qemu_may_read_it_but_not_write_it(ImageRole role)
    {
        QemuImg.CreateOverlay(_directory["overlay.qcow2"], _image);
        using var ours = _files.Open(_image, role);

        QemuImg.Run("info", _image).EnsureSuccess();
        QemuImg.Run("check", _image).EnsureSuccess();
        QemuImg.IoWith(["-f", "qcow2", "-r"], _image, "read 0 512").EnsureSuccess();
        QemuImg.Io(_directory["overlay.qcow2"], "write 0 512").EnsureSuccess();
        AssertRefused("""Failed to get "write" lock""", QemuImg.Io(_image, "write 0 512"));
        AssertRefused("""Failed to get "write" lock""", QemuImg.Run("resize", _image, "2M"));
        AssertRefused("""Failed to get "write" lock""", QemuImg.Run("check", "-r", "all", _image));
        AssertRefused("""Failed to get "write" lock""", QemuImg.Run("create", "-f", "qcow2", _image, "1M"));
        AssertRefused("lock", QemuImg.Run("commit", _directory["overlay.qcow2"]));
    }

    [Theory]
    [InlineData(ImageRole.ActiveReadWrite)]
    [InlineData(ImageRole.ActiveReadOnly)]
    [InlineData(ImageRole.Backing)]
    public void While_qemu_writes_an_image_we_open_it_in_no_role(ImageRole role)
    {
        using (new QemuHolder(_image, "-f", "qcow2"))
        {
            var refusal = Assert.Throws<ImageFileException>(() => _files.Open(_image, role));
            Assert.Equal(ImageFileError.InUse, refusal.Error);
            Assert.Contains($"'{_image}' is in use by another process", refusal.Message, StringComparison.Ordinal);
        }
        _files.Open(_image, role).Dispose();
    }

    [Fact]
    public void While_qemu_reads_an_image_we_may_read_it_but_not_write_it()
    {
        using (new QemuHolder(_image, "-f", "qcow2", "-r"))
        {
            Assert.Equal(ImageFileError.InUse, Assert.Throws<ImageFileException>(() => _files.Open(_image, ImageRole.ActiveReadWrite)).Error);
            _files.Open(_image, ImageRole.ActiveReadOnly).Dispose();
            _files.Open(_image, ImageRole.Backing).Dispose();
        }
        _files.Open(_image, ImageRole.ActiveReadWrite).Dispose();
    }

    [Fact]
    public void While_qemu_writes_an_overlay_its_base_may_be_read_but_not_written()
    {
        QemuImg.CreateOverlay(_directory["overlay.qcow2"], _image);
        using (new QemuHolder(_directory["overlay.qcow2"], "-f", "qcow2"))
        {
            Assert.Equal(ImageFileError.InUse, Assert.Throws<ImageFileException>(() => _files.Open(_image, ImageRole.ActiveReadWrite)).Error);
            _files.Open(_image, ImageRole.Backing).Dispose();
        }
    }

    [Fact]
    public void A_refused_open_leaves_no_lock_behind()
    {
        using (_files.Open(_image, ImageRole.Backing))
        {
            Assert.Throws<ImageFileException>(() => _files.Open(_image, ImageRole.ActiveReadWrite));
            _files.Open(_image, ImageRole.Backing).Dispose();
        }
        QemuImg.Io(_image, "write 0 512").EnsureSuccess();
    }

    [Fact]
    public void Two_roles_of_one_image_conflict_inside_the_process_too_whatever_its_name()
    {
        File.CreateSymbolicLink(_directory["link.qcow2"], _image);
        Tool.Run("ln", [_image, _directory["hardlink.qcow2"]]).EnsureSuccess();
        using var ours = _files.Open(_image, ImageRole.ActiveReadWrite);

        foreach (var name in new[] { "image.qcow2", "link.qcow2", "hardlink.qcow2" })
        {
            Assert.Equal(ImageFileError.InUse, Assert.Throws<ImageFileException>(() => _files.Open(name, ImageRole.ActiveReadWrite)).Error);
            Assert.Equal(ImageFileError.InUse, Assert.Throws<ImageFileException>(() => _files.Open(name, ImageRole.Backing)).Error);
        }
    }

    [Fact]
    public async Task Of_racing_writers_at_most_one_wins()
    {
        for (var round = 0; round < 100; round++)
        {
            var racers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                try
                {
                    return _files.Open(_image, ImageRole.ActiveReadWrite);
                }
                catch (ImageFileException refusal) when (refusal.Error == ImageFileError.InUse)
                {
                    return null;
                }
            })));
            // They hold what they won until all have tried.
            Assert.InRange(racers.Count(won => won is not null), 0, 1);
            foreach (var won in racers) won?.Dispose();
        }
        // A tool that another test is starting holds our descriptors, and with them our locks, from its fork to its exec.
        await Eventually.That(CanBeOpened, TimeSpan.FromSeconds(10), "nobody holds the image any more");
    }

    private bool CanBeOpened()
    {
        try
        {
            _files.Open(_image, ImageRole.ActiveReadWrite).Dispose();
            return true;
        }
        catch (ImageFileException refusal) when (refusal.Error == ImageFileError.InUse)
        {
            return false;
        }
    }

    private static void AssertRefused(string words, ToolResult result)
    {
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(words, result.ToString(), StringComparison.Ordinal);
    }
}
