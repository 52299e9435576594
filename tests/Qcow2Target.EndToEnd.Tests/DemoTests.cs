using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>What somebody does who has just cloned the project: --demo, --share, and the commands they print.</summary>
public sealed class DemoTests
{
    [Fact]
    public async Task Demo_makes_a_disk_shares_it_and_prints_commands_that_work()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(options: ["--demo"]);
        await Eventually.That(() => daemon.Log.Contains("iscsiadm", StringComparison.Ordinal), TimeSpan.FromSeconds(20), "the demo tells what to try next");
        string url = daemon.Url("iqn.2018-05.com.networkoptix:demo");
        Assert.Contains("iscsi-ls", daemon.Log, StringComparison.Ordinal);
        Assert.Contains($"qemu-img info {url}", daemon.Log, StringComparison.Ordinal);
        Assert.Contains("(1073741824 bytes)", QemuImg.Run("info", url).EnsureSuccess().Output, StringComparison.Ordinal);
        Assert.Contains("iqn.2018-05.com.networkoptix:demo", Libiscsi.Ls(daemon.PortalUrl), StringComparison.Ordinal);
        await daemon.StopAsync();
        await daemon.StartAgainAsync();
        QemuImg.Run("info", url).EnsureSuccess();
    }

    [Fact]
    public async Task Share_serves_the_users_own_image()
    {
        using TempDirectory folder = new();
        string image = folder["mine.qcow2"];
        QemuImg.Create(image, 5 << 20);
        QemuImg.Io(image, "write -P 9 1M 64k").EnsureSuccess();
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(options: ["--share", image]);
        await Eventually.That(() => daemon.Log.Contains("qemu-img info iscsi://", StringComparison.Ordinal), TimeSpan.FromSeconds(20), "it tells what to try next");
        string listed = Libiscsi.Ls(daemon.PortalUrl);
        string target = listed[(listed.IndexOf("Target:", StringComparison.Ordinal) + 7)..].Split(' ')[0];
        QemuImg.IoWith(["-f", "raw"], daemon.Url(target), "read -P 9 1M 64k").EnsureSuccess();
    }
}
