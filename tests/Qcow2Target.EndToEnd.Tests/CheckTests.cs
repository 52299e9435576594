using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>CHECK of a disk that is being written, and of one that is damaged under the daemon.</summary>
public sealed class CheckTests(ITestOutputHelper output)
{
    private const string Target = "iqn.2018-05.local:checked";

    [Fact]
    public async Task A_disk_that_is_written_meanwhile_is_clean_and_damage_is_told()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(output);
        string disk = daemon.Disk("disk.qcow2");
        QemuImg.Create(disk, 256 << 20);
        await daemon.AddTargetAsync(Target);
        await daemon.AttachAsync(Target, "disk.qcow2");
        Task<ToolResult> writing = Task.Run(() => QemuImg.IoWith(["-f", "raw"], daemon.Url(Target), [.. Enumerable.Range(0, 60).Select(i => $"write -P {i + 1} {i * 4}M 3M")]));
        int checks = 0;
        do
        {
            JToken found = await daemon.MustAsync("CHECK", new { target_name = Target, lun_id = 0 });
            Assert.Equal("clean", found.Value<string>("outcome"));
            checks++;
        }
        while (!writing.IsCompleted);
        output.WriteLine($"{checks} checks");
        (await writing).EnsureSuccess();

        // The count of the header's cluster becomes 2.
        using (FileStream file = new(disk, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.Position = 131073;
            file.WriteByte(2);
        }

        JToken damaged = await daemon.MustAsync("CHECK", new { target_name = Target, lun_id = 0 });
        Assert.Equal(("leaks", 1), (damaged.Value<string>("outcome"), damaged.Value<int>("leaks")));
        JObject missing = await daemon.RequestAsync("CHECK", new { target_name = Target, lun_id = 7 });
        Assert.Contains("logical unit not found", missing.Value<string>("error"), StringComparison.Ordinal);
    }
}
