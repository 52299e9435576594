using Newtonsoft.Json.Linq;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>The requests that nearly every test needs, each on a connection of its own, as scripts send them.</summary>
internal static class ControlRequests
{
    public static async Task<JToken> MustAsync(this DaemonProcess daemon, string type, object? command = null)
    {
        await using ControlConnection control = await ControlConnection.OpenAsync(daemon);
        return await control.MustAsync(type, command);
    }

    public static async Task<JObject> RequestAsync(this DaemonProcess daemon, string type, object? command = null)
    {
        await using ControlConnection control = await ControlConnection.OpenAsync(daemon);
        return await control.RequestAsync(type, command);
    }

    public static Task AddTargetAsync(this DaemonProcess daemon, string target) => daemon.MustAsync("ADDTARGET", new { target_name = target });

    public static Task DeleteTargetAsync(this DaemonProcess daemon, string target) => daemon.MustAsync("DELETETARGET", new { target_name = target });

    /// <summary>Attaches a disk of the daemon's disks root; the LUN's number.</summary>
    public static async Task<int> AttachAsync(this DaemonProcess daemon, string target, string disk) =>
        (await daemon.MustAsync("ATTACH", new { disk_path = disk, target_name = target })).Value<int>("lun_id");

    public static Task DetachAsync(this DaemonProcess daemon, string target, int lun = 0) =>
        daemon.MustAsync("DETACHLUN", new { lun_id = lun, target_name = target });

    public static Task ClearTargetAsync(this DaemonProcess daemon, string target) => daemon.MustAsync("CLEARTARGET", new { target_name = target });

    public static async Task<JObject> ListAsync(this DaemonProcess daemon) => (JObject)await daemon.MustAsync("LIST");

    /// <summary>What scripts do before they clear a target: wait until nobody is connected to it.</summary>
    public static Task NobodyIsConnectedAsync(this DaemonProcess daemon, string target) => Eventually.That(
        async () => (await daemon.ListAsync())[target]?.Value<bool>("has_connections") is false,
        TimeSpan.FromSeconds(20),
        $"{target} has no connections");
}
