using System.Text.RegularExpressions;
using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>Images that name files which are none of theirs, with strace looking on: no such file is opened, nobody is called.</summary>
public sealed partial class HostileNameTests(ITestOutputHelper output)
{
    private const string Target = "iqn.2018-05.local:hostile";

    /// <summary>Shell commands that make <c>t.qcow2</c>; $SECRET is a file outside the roots.</summary>
    private static readonly string[] Images =
    [
        "O $SECRET",
        "O ../../../../../../../../../$SECRET",
        "ln -s $SECRET link; O link",
        "ln -s $(dirname $SECRET) folder; O folder/$(basename $SECRET)",
        "ln -s $SECRET link; ln -s link second; O second",
        "O /etc/passwd",
        "O /etc/../etc/passwd",
        "O /proc/self/environ",
        "O /proc/self/fd/0",
        "O /proc/self/cwd/../$SECRET",
        "O /dev/zero",
        "O /dev/mem",
        "O /dev/stdin",
        "O .",
        "mkfifo pipe; O pipe",
        "O nbd:unix:$SECRET",
        "O nbd://127.0.0.1:10809/x",
        "O http://127.0.0.1/x",
        "O ssh://127.0.0.1/x",
        "O fd:0",
        "O file:$SECRET",
        "O 'json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"'$SECRET'\"}}'",
        "O $(printf 'a%.0s' $(seq 1000))",
        "O $(printf '../%.0s' $(seq 300))$SECRET",
        "O $'new\\nline'",
        // The name stands in the base, which is rightly found.
        "O $SECRET; mv t.qcow2 middle; qemu-img create -q -f qcow2 -u -b middle -F qcow2 t.qcow2 1M",
        "O $SECRET; mv t.qcow2 middle; qemu-img create -q -f qcow2 -u -b middle -F qcow2 t.qcow2 1M; printf '\\177' | dd of=t.qcow2 bs=1 seek=112 conv=notrunc status=none",
        // The name of an external data file.
        "qemu-img create -q -f qcow2 -o data_file=t.data t.qcow2 1M; sed -i 's#t.data#/etc/s#' t.qcow2",
        // The image itself is a link.
        "ln -s $SECRET t.qcow2",
        "ln -s /etc/passwd t.qcow2",
    ];

    [Fact]
    public async Task No_name_in_an_image_opens_a_file_outside_the_roots()
    {
        using TempDirectory outside = new();
        string secret = outside.File("secret", new byte[1 << 20]), trace = outside["trace"];
        string[] strace = ["strace", "-f", "-q", "-s", "4096", "-e", "trace=open,openat,openat2,connect", "-o", trace];
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(output, wrapper: strace);
        await daemon.AddTargetAsync(Target);
        // What the runtime loads with the first image is none of this test's.
        QemuImg.Create(daemon.Disk("good.qcow2"), 1 << 20);
        await daemon.AttachAsync(Target, "good.qcow2");
        await daemon.DetachAsync(Target);
        for (int i = 0; i < Images.Length; i++)
        {
            string directory = Directory.CreateDirectory(daemon.Disk($"image-{i}")).FullName;
            Tool.Run("bash", ["-c", $"set -e; cd {directory}; SECRET={secret}; O(){{ qemu-img create -q -f qcow2 -u -b \"$1\" -F raw t.qcow2 1M; }}\n{Images[i]}"]).EnsureSuccess();
        }
        long before = new FileInfo(trace).Length;
        for (int i = 0; i < Images.Length; i++)
        {
            foreach (bool readOnly in new[] { false, true })
            {
                JObject reply = await daemon.RequestAsync("ATTACH", new { disk_path = $"image-{i}/t.qcow2", target_name = Target, read_only = readOnly });
                Assert.True(reply.Value<string>("error") != "", $"attached: {Images[i]}");
            }
        }
        string[] own = [daemon.Disks, daemon.StateFolder, Path.GetDirectoryName(DaemonProcess.Binary)!, "/usr/", "/lib", "/etc/ld.so.cache", "/proc/self/task/", "/sys/"];
        string[] calls = ReadFrom(trace, before);
        Assert.Contains(calls, call => call.Contains("image-0", StringComparison.Ordinal));
        Assert.DoesNotContain(calls, call => call.Contains("connect(", StringComparison.Ordinal) && !call.Contains("AF_UNIX", StringComparison.Ordinal));
        foreach (string call in calls)
        {
            if (Opened().Match(call) is not { Success: true } opened) continue;
            string path = opened.Groups["path"].Value;
            // Images are opened relative to their root, which is a descriptor; all else that is opened by its whole name is the daemon's own.
            Assert.True(!path.StartsWith('/') || own.Any(prefix => path.StartsWith(prefix, StringComparison.Ordinal)), call);
            Assert.DoesNotContain("secret", path, StringComparison.Ordinal);
        }
    }

    private static string[] ReadFrom(string path, long offset)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = offset;
        using StreamReader reader = new(file);
        return reader.ReadToEnd().Split('\n');
    }

    // A call that returned a descriptor.
    [GeneratedRegex("open(at2?)?\\(([^\"]*)\"(?<path>[^\"]*)\".* = \\d+$")]
    private static partial Regex Opened();
}
