using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>Disks whose bytes lie in a file beside the image: refused unless the configuration says otherwise.</summary>
public sealed class ExternalDataFileTests(ITestOutputHelper output)
{
    private const string Target = "iqn.2018-05.local:data-file";
    private const long DiskBytes = 8 * 1024 * 1024 + 37 * 512;

    [Fact]
    public async Task It_is_refused_by_name_and_leaves_nothing_open()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(output);
        Shell(daemon, $"qemu-img create -q -f qcow2 -o data_file=t.data t.qcow2 {DiskBytes}");
        await daemon.AddTargetAsync(Target);
        JObject reply = await daemon.RequestAsync("ATTACH", new { disk_path = "t.qcow2", target_name = Target });
        Assert.Contains("external data file 't.data' not supported", reply.Value<string>("error"), StringComparison.Ordinal);
        Assert.DoesNotContain(daemon.OpenFiles(), path => path.StartsWith(daemon.Disk("t"), StringComparison.Ordinal));
        await daemon.EndCleanlyAsync();
    }

    [Fact]
    public async Task Allowed_it_is_served_and_both_files_are_complete_after_the_detach()
    {
        RandomSource random = new(output.WriteLine);
        using TempDirectory folder = new();
        string config = folder.File("daemon.hocon", "qcow2target.allow-data-files = on\n"u8.ToArray());
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(output, options: ["--config", config]);
        await daemon.AddTargetAsync(Target);
        foreach ((string name, string options) in new[] { ("t", ""), ("u", ",data_file_raw=on"), ("v", ",extended_l2=on,cluster_size=16k") })
        {
            Shell(daemon, $"qemu-img create -q -f qcow2 -o data_file={name}.data{options} {name}.qcow2 {DiskBytes}");
            string source = RawImage.Random(daemon.Disk($"{name}.raw"), DiskBytes, random);
            int lun = await daemon.AttachAsync(Target, $"{name}.qcow2");
            Assert.Contains(daemon.Disk($"{name}.data"), daemon.OpenFiles());
            Shell(daemon, $"cp {name}.qcow2 other.qcow2");
            JObject second = await daemon.RequestAsync("ATTACH", new { disk_path = "other.qcow2", target_name = Target });
            Assert.Contains(Target, second.Value<string>("error"), StringComparison.Ordinal);
            QemuImg.Convert(source, "raw", daemon.Url(Target, lun), "raw", "-n");
            Assert.True(QemuImg.Compare(source, "raw", daemon.Url(Target, lun), "raw"), "what the disk shows");
            await daemon.DetachAsync(Target, lun);

            Assert.DoesNotContain(daemon.OpenFiles(), path => path.StartsWith(daemon.Disk(name + "."), StringComparison.Ordinal));
            Shell(daemon, $"qemu-img check -q -f qcow2 {name}.qcow2 && qemu-img compare -q -f raw -F qcow2 {name}.raw {name}.qcow2");
            if (name == "u") Shell(daemon, "qemu-img compare -q -f raw -F raw u.raw u.data");
        }
        await daemon.EndCleanlyAsync();
    }

    // QEMU looks for the data file in its current directory.
    private static void Shell(DaemonProcess daemon, string script) => Tool.Run("bash", ["-c", $"set -e; cd {daemon.Disks}; {script}"]).EnsureSuccess();
}
