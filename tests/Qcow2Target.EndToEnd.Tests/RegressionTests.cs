using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>Faults of the daemon that this one replaces, each by name: they ended it, or left it in a state that nothing got it out of.</summary>
public sealed class RegressionTests(DaemonFixture fixture) : IClassFixture<DaemonFixture>
{
    private readonly DaemonProcess _daemon = fixture.Daemon;
    private readonly string _target = $"iqn.2018-05.local:regression-{Guid.NewGuid():n}";

    [Fact]
    public async Task A_login_with_an_unknown_tsih_is_refused_with_a_status_and_the_daemon_lives()
    {
        await AddDiskAsync();
        SessionOptions unknown = new() { TargetName = _target, Tsih = 0x7777, Isid = 0x80_00_00_00_00_01 };
        LoginRefusedException refused = await Assert.ThrowsAsync<LoginRefusedException>(() => InitiatorSession.LoginAsync(_daemon.Portal, unknown));
        Assert.Equal((0x02, 0x0A), (refused.StatusClass, refused.StatusDetail));
        await ServesAsync();
    }

    [Fact]
    public async Task A_login_to_an_unknown_target_is_refused_with_a_status()
    {
        SessionOptions unknown = new() { TargetName = "iqn.2018-05.local:not-here" };
        LoginRefusedException refused = await Assert.ThrowsAsync<LoginRefusedException>(() => InitiatorSession.LoginAsync(_daemon.Portal, unknown));
        Assert.Equal((0x02, 0x03), (refused.StatusClass, refused.StatusDetail));
    }

    [Theory]
    [InlineData("{\"type\":\"ADDTARGET\",\"command\":{\"target_name\":")]
    [InlineData("}{")]
    [InlineData("\0\0\0\0")]
    [InlineData("{\"type\":null,\"command\":[]}")]
    [InlineData("{\"type\":\"ATTACH\",\"command\":\"now\"}")]
    public async Task Malformed_json_is_refused_and_the_daemon_lives(string line)
    {
        await using ControlConnection control = await ControlConnection.OpenAsync(_daemon);
        JObject reply = JObject.Parse(await control.SendAsync(line) ?? "");
        Assert.NotEqual("", reply.Value<string>("error"));
        Assert.Equal("", (await control.RequestAsync("LIST")).Value<string>("error"));
        await AddDiskAsync();
        await ServesAsync();
    }

    [Fact]
    public async Task The_name_of_a_deleted_target_can_be_used_again()
    {
        await _daemon.AddTargetAsync(_target);
        await _daemon.DeleteTargetAsync(_target);
        await AddDiskAsync();
        await ServesAsync();
    }

    [Fact]
    public async Task An_image_that_is_attached_is_not_attached_twice()
    {
        string disk = await AddDiskAsync();
        JObject reply = await _daemon.RequestAsync("ATTACH", new { disk_path = disk, target_name = _target });
        Assert.Equal("disk_in_use", reply["result"]!.Value<string>("code"));
        string other = Path.Combine("..", Path.GetFileName(_daemon.Disks), disk);
        reply = await _daemon.RequestAsync("ATTACH", new { disk_path = other, target_name = _target });
        Assert.NotEqual("", reply.Value<string>("error"));
        File.CreateSymbolicLink(_daemon.Disk("link-" + disk), _daemon.Disk(disk));
        reply = await _daemon.RequestAsync("ATTACH", new { disk_path = "link-" + disk, target_name = _target });
        Assert.Equal("disk_in_use", reply["result"]!.Value<string>("code"));
        Assert.Single((await _daemon.ListAsync())[_target]!["logical_units"]!);
    }

    [Fact]
    public async Task Two_logical_units_have_different_serial_numbers()
    {
        await AddDiskAsync();
        string second = NewDisk();
        int lun = await _daemon.AttachAsync(_target, second);
        string[] serials = [Libiscsi.Inquiry(_daemon.Url(_target), "-e", "1", "-c", "128"), Libiscsi.Inquiry(_daemon.Url(_target, lun), "-e", "1", "-c", "128")];
        Assert.All(serials, serial => Assert.Matches(@"Unit Serial Number:\[.*\S.*\]", serial));
        Assert.NotEqual(serials[0], serials[1]);
        string[] names = [Libiscsi.Inquiry(_daemon.Url(_target), "-e", "1", "-c", "131"), Libiscsi.Inquiry(_daemon.Url(_target, lun), "-e", "1", "-c", "131")];
        Assert.NotEqual(names[0], names[1]);
    }

    [Fact]
    public async Task A_detach_of_an_unknown_lun_answers_and_later_commands_work()
    {
        await AddDiskAsync();
        JObject reply = await _daemon.RequestAsync("DETACHLUN", new { lun_id = 99, target_name = _target });
        Assert.Equal("logical unit not found", reply.Value<string>("error"));
        await ServesAsync();
        await _daemon.DetachAsync(_target);
        await _daemon.DeleteTargetAsync(_target);
    }

    private async Task<string> AddDiskAsync()
    {
        string disk = NewDisk();
        await _daemon.AddTargetAsync(_target);
        await _daemon.AttachAsync(_target, disk);
        return disk;
    }

    private string NewDisk()
    {
        string disk = $"{Guid.NewGuid():n}.qcow2";
        QemuImg.Create(_daemon.Disk(disk), 1 << 20);
        return disk;
    }

    private async Task ServesAsync()
    {
        await using InitiatorSession session = await InitiatorSession.ReadyAsync(_daemon.Portal, new SessionOptions { TargetName = _target });
        byte[] data = new byte[4096], read = new byte[4096];
        Random.Shared.NextBytes(data);
        await session.MustAsync(Cdb.Write16(8, data));
        await session.MustAsync(Cdb.Read16(8, read));
        Assert.Equal(data, read);
        await session.LogoutAsync();
    }
}
