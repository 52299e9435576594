using System.Diagnostics;
using System.Net.Sockets;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Io;

public sealed class RootedImageFilesTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly string _disks;
    private readonly string _more;
    private readonly string _golden;
    private readonly RootedImageFiles _files;

    public RootedImageFilesTests()
    {
        _disks = _directory.Subdirectory("disks");
        _more = _directory.Subdirectory("more");
        _golden = _directory.Subdirectory("golden");
        _files = new RootedImageFiles([_disks, _more], [_golden]);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_relative_path_belongs_to_the_first_disks_root()
    {
        _directory.File("disks/sub/a.img", [7]);
        using var opened = _files.Open("sub/a.img", ImageRole.ActiveReadWrite);
        Assert.Equal($"{_disks}/sub/a.img", opened.Path);
        var first = new byte[1];
        opened.File.Read(0, first);
        Assert.Equal(7, first[0]);
        Refused(ImageFileError.NotFound, "b.img");
    }

    [Fact]
    public void An_absolute_path_may_lie_in_any_disks_root()
    {
        var path = _directory.File("more/b.img", [1]);
        using var opened = _files.Open(path, ImageRole.ActiveReadWrite);
        Assert.Equal(path, opened.Path);
    }

    [Theory]
    [InlineData("../outside.img")]
    [InlineData("sub/../../outside.img")]
    [InlineData("../../../../../../../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("../no-such-file")]
    [InlineData("/no-such-directory/x")]
    [InlineData("/")]
    public void A_path_that_leads_outside_the_roots_is_refused_and_tells_not_whether_it_exists(string path)
    {
        _directory.Subdirectory("disks/sub");
        _directory.File("outside.img", [1]);
        var refusal = Refused(ImageFileError.OutsideRoots, path);
        Assert.Contains(_disks, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(path, refusal.Path);
    }

    [Fact]
    public void A_root_is_no_prefix_of_a_longer_name()
    {
        Refused(ImageFileError.OutsideRoots, _directory.File("disks2/a.img", [1]));
        Refused(ImageFileError.NotRegularFile, _disks);
    }

    [Fact]
    public void Dots_that_stay_inside_are_fine()
    {
        _directory.Subdirectory("disks/sub");
        _directory.File("disks/a.img", [1]);
        using var opened = _files.Open("sub/../a.img", ImageRole.ActiveReadOnly);
        Assert.Equal($"{_disks}/a.img", opened.Path);
    }

    [Fact]
    public void A_link_may_lead_to_a_file_inside_but_not_to_one_outside()
    {
        _directory.File("disks/real.img", [1]);
        _directory.File("outside.img", [1]);
        File.CreateSymbolicLink($"{_disks}/in.img", "real.img");
        File.CreateSymbolicLink($"{_disks}/out.img", "../outside.img");
        File.CreateSymbolicLink($"{_disks}/etc", "/etc");
        File.CreateSymbolicLink($"{_disks}/self", "self");
        File.CreateSymbolicLink($"{_disks}/magic", "/proc/self/exe");

        using (var opened = _files.Open("in.img", ImageRole.ActiveReadWrite)) Assert.Equal($"{_disks}/in.img", opened.Path);
        Refused(ImageFileError.OutsideRoots, "out.img");
        Refused(ImageFileError.OutsideRoots, "etc/passwd");
        Refused(ImageFileError.OutsideRoots, "etc/no-such-file");
        Refused(ImageFileError.OutsideRoots, "magic");
        Refused(ImageFileError.NotFound, "self");
    }

    [Fact]
    public void A_root_that_is_a_link_is_followed()
    {
        Directory.CreateSymbolicLink(_directory["link"], _disks);
        _directory.File("disks/a.img", [1]);
        var files = new RootedImageFiles([_directory["link"]], []);
        using (var opened = files.Open("a.img", ImageRole.ActiveReadWrite)) Assert.Equal($"{_disks}/a.img", opened.Path);
        files.Open($"{_directory["link"]}/a.img", ImageRole.ActiveReadWrite).Dispose();
        files.Open($"{_disks}/a.img", ImageRole.ActiveReadWrite).Dispose();
    }

    [Fact]
    public void A_root_may_come_later_than_the_daemon()
    {
        var files = new RootedImageFiles([_directory["later"]], []);
        Assert.Throws<ImageFileException>(() => files.Open("a.img", ImageRole.ActiveReadWrite));
        _directory.File("later/a.img", [1]);
        files.Open("a.img", ImageRole.ActiveReadWrite).Dispose();
    }

    [Fact]
    public void A_fifo_is_refused_at_once()
    {
        Tool.Run("mkfifo", [$"{_disks}/fifo"]).EnsureSuccess();
        var started = Stopwatch.GetTimestamp();
        foreach (var role in Enum.GetValues<ImageRole>())
            Assert.Contains("is a FIFO", Refused(ImageFileError.NotRegularFile, "fifo", role).Message, StringComparison.Ordinal);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void Directories_sockets_and_character_devices_are_refused_without_being_opened()
    {
        _directory.Subdirectory("disks/sub");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint($"{_disks}/socket"));

        Assert.Contains("a directory", Refused(ImageFileError.NotRegularFile, "sub").Message, StringComparison.Ordinal);
        Assert.Contains("a directory", Refused(ImageFileError.NotRegularFile, "sub/").Message, StringComparison.Ordinal);
        Assert.Contains("a socket", Refused(ImageFileError.NotRegularFile, "socket").Message, StringComparison.Ordinal);
        var devices = new RootedImageFiles(["/dev"], []);
        var refusal = Assert.Throws<ImageFileException>(() => devices.Open("null", ImageRole.ActiveReadWrite));
        Assert.Equal(ImageFileError.NotRegularFile, refusal.Error);
    }

    [Theory]
    [InlineData("json:{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}")]
    [InlineData("file:a.img")]
    [InlineData("nbd:localhost:10809")]
    [InlineData("nbd://localhost/x")]
    [InlineData("fat:rw:/etc")]
    [InlineData(":")]
    public void A_name_with_a_protocol_prefix_is_refused_by_name(string name)
    {
        _directory.File("disks/o.img", [1]);
        foreach (var refusal in new[] { Refused(ImageFileError.ProtocolName, name), BackingRefused(ImageFileError.ProtocolName, "o.img", name) })
            Assert.Contains($"protocol prefix '{name[..(name.IndexOf(':', StringComparison.Ordinal) + 1)]}'", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_colon_behind_a_slash_is_a_character_like_others()
    {
        _directory.File("disks/a:b.img", [1]);
        _files.Open("./a:b.img", ImageRole.ActiveReadWrite).Dispose();
        _files.Open($"{_disks}/a:b.img", ImageRole.ActiveReadWrite).Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.img\0/../../etc/passwd")]
    [InlineData("a.img/x")]
    public void A_name_that_is_none_is_not_found(string name)
    {
        _directory.File("disks/a.img", [1]);
        Refused(ImageFileError.NotFound, name);
    }

    [Fact]
    public void A_name_of_any_length_is_an_error_of_ours()
    {
        Refused(ImageFileError.NotFound, new string('a', 300));
        Refused(ImageFileError.NotFound, string.Concat(Enumerable.Repeat("a/", 5000)));
    }

    [Fact]
    public void What_lies_in_a_backing_root_may_be_a_base_but_not_be_attached()
    {
        var golden = _directory.File("golden/g.img", [1]);
        File.CreateSymbolicLink($"{_disks}/g.img", golden);

        _files.Open(golden, ImageRole.Backing).Dispose();
        Refused(ImageFileError.BackingOnly, golden);
        Refused(ImageFileError.BackingOnly, golden, ImageRole.ActiveReadOnly);
        Refused(ImageFileError.BackingOnly, "g.img");
    }

    [Fact]
    public void Of_nested_roots_the_inner_one_decides()
    {
        var inner = _directory.File("disks/golden/g.img", [1]);
        var files = new RootedImageFiles([_disks], [$"{_disks}/golden"]);
        Assert.Equal(ImageFileError.BackingOnly, Assert.Throws<ImageFileException>(() => files.Open(inner, ImageRole.ActiveReadWrite)).Error);
        files.Open(inner, ImageRole.Backing).Dispose();

        var reverse = new RootedImageFiles([$"{_disks}/golden"], [_disks]);
        reverse.Open(inner, ImageRole.ActiveReadWrite).Dispose();
    }

    [Fact]
    public void One_directory_cannot_be_both_kinds_of_root()
    {
        Assert.Throws<ArgumentException>(() => new RootedImageFiles([_disks], [_disks + "/"]));
        Assert.Throws<ArgumentException>(() => new RootedImageFiles([], [_disks]));
    }

    [Fact]
    public void A_relative_base_lies_beside_its_overlay()
    {
        var overlay = _directory.File("disks/jobs/o.img", [1]);
        var golden = _directory.File("disks/base.img", [2]);
        Assert.Equal(golden, _files.ResolveBacking(overlay, "../base.img"));
        Assert.Equal(golden, _files.ResolveBacking(overlay, golden));
        Assert.Equal(_directory.File("golden/g.img", [1]), _files.ResolveBacking(overlay, "../../golden/g.img"));
        BackingRefused(ImageFileError.NotFound, overlay, "base.img");
        BackingRefused(ImageFileError.OutsideRoots, overlay, "../../../etc/passwd");
        BackingRefused(ImageFileError.OutsideRoots, overlay, "/etc/passwd");
        BackingRefused(ImageFileError.NotFound, overlay, "");
    }

    [Fact]
    public void The_base_of_an_overlay_opened_through_a_link_may_lie_beside_either()
    {
        var target = _directory.File("disks/real/o.img", [1]);
        _directory.Subdirectory("disks/links");
        File.CreateSymbolicLink($"{_disks}/links/o.img", target);
        using var overlay = _files.Open("links/o.img", ImageRole.ActiveReadWrite);
        Assert.Equal($"{_disks}/links/o.img", overlay.Path);

        BackingRefused(ImageFileError.NotFound, overlay.Path, "base.img");
        var besideTarget = _directory.File("disks/real/base.img", [1]);
        Assert.Equal(besideTarget, _files.ResolveBacking(overlay.Path, "base.img"));

        File.CreateSymbolicLink($"{_disks}/links/base.img", besideTarget);
        Assert.Equal($"{_disks}/links/base.img", _files.ResolveBacking(overlay.Path, "base.img"));

        File.Delete($"{_disks}/links/base.img");
        _directory.File("disks/links/base.img", [1]);
        var refusal = BackingRefused(ImageFileError.AmbiguousBacking, overlay.Path, "base.img");
        Assert.Contains(besideTarget, refusal.Message, StringComparison.Ordinal);

        File.Delete(besideTarget);
        Assert.Equal($"{_disks}/links/base.img", _files.ResolveBacking(overlay.Path, "base.img"));
    }

    [Fact]
    public void The_base_is_found_where_qemu_finds_it()
    {
        // Through a directory that is a link, ".." is the parent of where the link leads: for the kernel, for QEMU and for us.
        _directory.Subdirectory("disks/deep/jobs");
        Directory.CreateSymbolicLink($"{_disks}/jobs", $"{_disks}/deep/jobs");
        QemuImg.Create($"{_disks}/deep/base.qcow2", 1 << 20);
        QemuImg.CreateOverlay($"{_disks}/deep/jobs/o.qcow2", "../base.qcow2");
        QemuImg.Io($"{_disks}/jobs/o.qcow2", "read 0 512").EnsureSuccess();

        using var overlay = _files.Open("jobs/o.qcow2", ImageRole.ActiveReadWrite);
        Assert.Equal($"{_disks}/deep/base.qcow2", _files.ResolveBacking(overlay.Path, "../base.qcow2"));
    }

    [Fact]
    public void An_identity_is_of_the_file_not_of_its_name()
    {
        var path = _directory.File("disks/a.img", [1]);
        File.CreateSymbolicLink($"{_disks}/link.img", path);
        _directory.File("disks/b.img", [1]);
        using var opened = _files.Open(path, ImageRole.ActiveReadWrite);

        Assert.Equal(opened.Identity, _files.Identify("link.img", ImageRole.ActiveReadWrite));
        Assert.NotEqual(opened.Identity, _files.Identify("b.img", ImageRole.ActiveReadWrite));
        File.Move(path, $"{_disks}/c.img");
        Assert.Equal(opened.Identity, _files.Identify("c.img", ImageRole.ActiveReadWrite));
        Assert.Equal(ulong.Parse(Tool.Run("stat", ["-c", "%i", $"{_disks}/c.img"]).Output, System.Globalization.CultureInfo.InvariantCulture), opened.Identity.Inode);
    }

    [Fact]
    public void A_file_opened_for_reading_cannot_be_written()
    {
        _directory.File("disks/a.img", [1]);
        using var opened = _files.Open("a.img", ImageRole.ActiveReadOnly);
        Assert.Equal(BlockFileError.ReadOnly, Assert.Throws<BlockFileException>(() => opened.File.Write(0, [2])).Error);
    }

    [Fact]
    public async Task A_name_that_changes_under_the_open_never_leads_outside()
    {
        var inside = _directory.File("disks/inside.img", [1]);
        _directory.File("outside/inside.img", [66]);
        _directory.Subdirectory("disks/real");
        _directory.File("disks/real/inside.img", [1]);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(1.5));
        var swapping = Task.Run(() =>
        {
            // The file is by turns itself and a link outside; its directory by turns real and a link outside.
            Tool.Run("sh", ["-c", $"""
                cd '{_disks}'; ln -s ../outside/inside.img evil; ln -s ../outside evildir; end=$(($(date +%s) + 2))
                while [ $(date +%s) -lt $end ]; do cp inside.img x; mv -T x name; cp -P evil x; mv -T x name; mv -T real r; cp -P evildir real; rm real; mv -T r real; done
                """]);
        });
        while (!stop.IsCancellationRequested)
        {
            foreach (var path in new[] { "name", "real/inside.img" })
            {
                try
                {
                    using var opened = _files.Open(path, ImageRole.ActiveReadOnly);
                    var content = new byte[1];
                    opened.File.Read(0, content);
                    Assert.NotEqual(66, content[0]);
                }
                catch (ImageFileException)
                {
                    // Refused is fine; another file's content is not.
                }
            }
        }
        await swapping;
        Assert.True(File.Exists(inside));
    }

    private ImageFileException Refused(ImageFileError error, string path, ImageRole role = ImageRole.ActiveReadWrite)
    {
        var refusal = Assert.Throws<ImageFileException>(() => _files.Open(path, role));
        Assert.Equal(error, refusal.Error);
        Assert.Equal(error, Assert.Throws<ImageFileException>(() => _files.Identify(path, role)).Error);
        return refusal;
    }

    private ImageFileException BackingRefused(ImageFileError error, string overlay, string name)
    {
        var refusal = Assert.Throws<ImageFileException>(() => _files.ResolveBacking(overlay, name));
        Assert.Equal(error, refusal.Error);
        return refusal;
    }
}
