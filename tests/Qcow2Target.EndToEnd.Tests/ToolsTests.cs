using System.Globalization;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>The tools that people try first work on the URL of a disk.</summary>
public sealed class ToolsTests(DaemonFixture fixture) : IClassFixture<DaemonFixture>, IAsyncLifetime
{
    private const long DiskBytes = 64 * 1024 * 1024;
    private readonly DaemonProcess _daemon = fixture.Daemon;
    private readonly string _target = $"iqn.2018-05.local:tools-{Guid.NewGuid():n}";

    private string Url => _daemon.Url(_target);

    public async Task InitializeAsync()
    {
        string disk = $"{Guid.NewGuid():n}.qcow2";
        QemuImg.Create(_daemon.Disk(disk), DiskBytes);
        await _daemon.AddTargetAsync(_target);
        await _daemon.AttachAsync(_target, disk);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public void Iscsi_ls_shows_target_portal_and_disk()
    {
        string shown = Libiscsi.Ls(_daemon.PortalUrl);
        Assert.Contains($"Target:{_target} Portal:127.0.0.1:{_daemon.Port},1", shown, StringComparison.Ordinal);
        Assert.Contains("Lun:0    Type:DIRECT_ACCESS (Size:63M)", shown, StringComparison.Ordinal);   // the tool rounds the last block's address down
    }

    [Fact]
    public void Iscsi_inq_shows_a_disk_and_its_pages()
    {
        Assert.Contains("Peripheral Device Type:DIRECT_ACCESS", Libiscsi.Inquiry(Url), StringComparison.Ordinal);
        string pages = Libiscsi.Inquiry(Url, "-e", "1", "-c", "0");
        foreach (string page in new[] { "0x80", "0x83", "0xb0", "0xb1", "0xb2" }) Assert.Contains(page, pages, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Unit Serial Number", Libiscsi.Inquiry(Url, "-e", "1", "-c", "128"), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Iscsi_readcapacity16_shows_the_virtual_size()
    {
        Assert.Equal(DiskBytes.ToString(CultureInfo.InvariantCulture), Libiscsi.ReadCapacity16(Url, "-s").Trim());
        Assert.Contains("LBPME:1 LBPRZ:1", Libiscsi.ReadCapacity16(Url), StringComparison.Ordinal);
    }

    [Fact]
    public void Qemu_img_info_shows_the_virtual_size() =>
        Assert.Contains($"({DiskBytes} bytes)", QemuImg.Run("info", Url).EnsureSuccess().Output, StringComparison.Ordinal);

    [Fact]
    public void Qemu_io_reads_what_it_wrote_and_zeros_what_it_discarded()
    {
        string[] raw = ["-f", "raw", "-d", "unmap"];
        QemuImg.IoWith(raw, Url, "write -P 5 64k 1M", "flush", "read -P 5 64k 1M").EnsureSuccess();
        QemuImg.IoWith(raw, Url, "discard 128k 256k", "read -P 0 128k 256k", "read -P 5 64k 64k", "read -P 5 384k 64k").EnsureSuccess();
        QemuImg.IoWith(raw, Url, "write -z 512k 64k", "write -z -u 640k 64k", "read -P 0 512k 64k", "read -P 0 640k 64k").EnsureSuccess();
        Assert.False(QemuImg.IoWith(raw, Url, "read -P 6 64k 4k").Succeeded);
    }
}
