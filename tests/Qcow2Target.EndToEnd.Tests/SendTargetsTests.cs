using System.Net;
using System.Text;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>Discovery and Text Requests (RFC 7143 section 11.10 and appendix C), said PDU by PDU.</summary>
public sealed class SendTargetsTests : IAsyncLifetime
{
    private const string First = "iqn.2018-05.local:first", Second = "iqn.2018-05.local:second";
    private DaemonProcess? _started;

    private DaemonProcess Daemon => _started!;

    private string Address => $"TargetAddress=127.0.0.1:{Daemon.Port},1";

    public async Task InitializeAsync()
    {
        _started = await DaemonProcess.StartAsync();
        await Daemon.AddTargetAsync(First);
        await Daemon.AddTargetAsync(Second);
    }

    public Task DisposeAsync() => Daemon.EndCleanlyAsync();

    [Fact]
    public async Task All_lists_every_target_with_its_address()
    {
        using ScriptedSession session = await DiscoverAsync();
        Assert.Equal([$"TargetName={First}", Address, $"TargetName={Second}", Address], await session.AskAsync("SendTargets=All\0"));
    }

    [Fact]
    public async Task An_immediate_request_is_answered_like_another()
    {
        using ScriptedSession session = await DiscoverAsync();
        uint tag = await session.SendTextAsync("SendTargets=All\0", opcode: Opcodes.Text | Opcodes.Immediate);
        Assert.Equal(tag, (await session.ReceiveAsync(Opcodes.TextResponse)).TaskTag);
    }

    [Fact]
    public async Task A_name_lists_that_target()
    {
        using ScriptedSession session = await DiscoverAsync();
        Assert.Equal([$"TargetName={Second}", Address], await session.AskAsync($"SendTargets={Second}\0"));
    }

    [Fact]
    public async Task An_unknown_name_lists_nothing()
    {
        using ScriptedSession session = await DiscoverAsync();
        Assert.Empty(await session.AskAsync("SendTargets=iqn.2018-05.local:nobody\0"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(First)]
    [InlineData("All")]
    public async Task A_normal_session_is_told_its_own_target(string value)
    {
        using ScriptedSession session = await ScriptedSession.LoginAsync(Daemon.Portal, new SessionOptions { TargetName = First });
        Assert.Equal([$"TargetName={First}", Address], await session.AskAsync($"SendTargets={value}\0"));
    }

    [Theory]
    [InlineData("SendTargets=Alle\0")]
    [InlineData("SendTargets=A\0")]
    [InlineData($"SendTargets={Second}\0")]
    [InlineData("sendtargets=All\0")]
    [InlineData("X-com.example.unknown=1\0")]
    public async Task A_normal_session_that_asks_for_anything_else_is_rejected_and_goes_on(string text)
    {
        using ScriptedSession session = await ScriptedSession.LoginAsync(Daemon.Portal, new SessionOptions { TargetName = First });
        await session.SendTextAsync(text);
        RawPdu reject = await session.ReceiveAsync(Opcodes.Reject);
        Assert.Contains(reject.Header[2], new byte[] { 0x04, 0x09 });
        Assert.Equal(RawPdu.HeaderLength, reject.Data.Length);
        Assert.Equal(Opcodes.Text, reject.Data.Span[0]);
        Assert.Equal([$"TargetName={First}", Address], await session.AskAsync("SendTargets=\0"));
    }

    [Fact]
    public async Task An_unknown_key_beside_a_known_one_is_not_understood()
    {
        using ScriptedSession session = await DiscoverAsync();
        string[] keys = await session.AskAsync($"SendTargets={First}\0X-com.example.unknown=1\0");
        Assert.Contains($"TargetName={First}", keys);
        Assert.Contains("X-com.example.unknown=NotUnderstood", keys);
    }

    [Fact]
    public async Task A_list_longer_than_we_take_comes_in_pieces()
    {
        await AddManyAsync(60);
        using ScriptedSession session = await DiscoverAsync(segment: 512);
        StringBuilder text = new();
        uint tag = await session.SendTextAsync("SendTargets=All\0");
        int pieces = 1;
        RawPdu response = await session.ReceiveAsync(Opcodes.TextResponse);
        for (; !response.IsFinal; pieces++)
        {
            Assert.Equal(tag, response.TaskTag);
            Assert.Equal(0x40, response.Flags);
            Assert.NotEqual(RawPdu.NoTag, response.TransferTag);
            Assert.Equal(512, response.Data.Length);
            text.Append(Encoding.UTF8.GetString(response.Data.Span));
            await session.SendAsync(new RawPdu(Opcodes.Text) { TaskTag = tag, TransferTag = response.TransferTag, Lun = response.Lun });
            response = await session.ReceiveAsync(Opcodes.TextResponse);
        }
        text.Append(Encoding.UTF8.GetString(response.Data.Span));
        string[] keys = text.ToString().Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(pieces > 2, $"{pieces} pieces");
        Assert.Equal(0x80, response.Flags);
        Assert.Equal(RawPdu.NoTag, response.TransferTag);
        Assert.Equal(62, keys.Count(key => key.StartsWith("TargetName=", StringComparison.Ordinal)));
        Assert.Equal(62, keys.Count(key => key == Address));
    }

    [Fact]
    public async Task An_unknown_transfer_tag_is_rejected()
    {
        using ScriptedSession session = await DiscoverAsync();
        await session.SendTextAsync("", transferTag: 0x12345678);
        Assert.Equal(0x09, (await session.ReceiveAsync(Opcodes.Reject)).Header[2]);
    }

    [Fact]
    public async Task A_new_request_drops_the_list_that_was_being_fetched()
    {
        await AddManyAsync(60);
        using ScriptedSession session = await DiscoverAsync(segment: 512);
        await session.SendTextAsync("SendTargets=All\0");
        RawPdu part = await session.ReceiveAsync(Opcodes.TextResponse);
        Assert.False(part.IsFinal);
        Assert.Equal([$"TargetName={First}", Address], await session.AskAsync($"SendTargets={First}\0"));
        await session.SendTextAsync("", transferTag: part.TransferTag);
        Assert.Equal(0x09, (await session.ReceiveAsync(Opcodes.Reject)).Header[2]);
    }

    [Fact]
    public async Task A_discovery_session_runs_no_scsi_command()
    {
        using ScriptedSession session = await DiscoverAsync();
        await session.SendAsync(new RawPdu(Opcodes.ScsiCommand, 0x81) { TaskTag = session.NewTag() });
        RawPdu? answer = await session.ReceiveAnyAsync();
        Assert.True(answer is null or { Opcode: Opcodes.Reject }, $"{answer}");
    }

    [Theory]
    [InlineData("0.0.0.0", "127.0.0.1")]
    [InlineData("0.0.0.0", "127.0.0.2")]
    [InlineData("127.0.0.2", "127.0.0.2")]
    [InlineData("[::]", "::1")]
    [InlineData("[::1]", "::1")]
    public async Task A_portal_tells_the_address_of_the_connection(string bound, string connected)
    {
        if (bound.StartsWith('[') && !HostNetwork.HasIPv6) return;
        await AssertToldAsync(bound, IPAddress.Parse(connected), connected);
    }

    [Fact]
    public async Task A_link_local_address_is_told_to_who_came_over_it_without_its_zone()
    {
        if (HostNetwork.LinkLocal is not { } address) return;
        await AssertToldAsync("[::]", address, new IPAddress(address.GetAddressBytes()).ToString());
    }

    [Fact]
    public async Task Several_portals_are_told_by_each_in_discovery_and_in_a_normal_session()
    {
        if (!HostNetwork.HasIPv6) return;
        int third = DaemonProcess.FreePort();
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(options: ["--portal", "[::1]:0", "--portal", $"0.0.0.0:{third}"]);
        await daemon.AddTargetAsync(First);
        using ScriptedSession discovery = await ScriptedSession.LoginAsync(daemon.Portal, new SessionOptions());
        string[] told = await discovery.AskAsync("SendTargets=All\0");
        string[] portals = [.. told[1..].Select(address => address["TargetAddress=".Length..^",1".Length])];
        IPEndPoint second = IPEndPoint.Parse(portals[1]);
        Assert.NotEqual(0, second.Port);
        Assert.Equal([$"127.0.0.1:{daemon.Port}", $"[::1]:{second.Port}", $"127.0.0.1:{third}"], portals);
        foreach (string portal in portals)
        {
            using ScriptedSession normal = await ScriptedSession.LoginAsync(IPEndPoint.Parse(portal), new SessionOptions { TargetName = First });
            // What stands in place of a wildcard is the connection's own address, and an IPv6 connection has none for a portal of IPv4.
            string[] expected = portal.StartsWith('[') ? portals[..^1] : portals;
            Assert.Equal(expected.Order(), (await normal.AskAsync("SendTargets=\0"))[1..].Select(address => address["TargetAddress=".Length..^",1".Length]).Order());
            string listed = Libiscsi.Ls($"iscsi://{portal}");
            Assert.All(expected, address => Assert.Contains($"Portal:{address},1", listed, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Iscsi_ls_lists_a_hundred_targets()
    {
        await AddManyAsync(100);
        string listed = Libiscsi.Ls(Daemon.PortalUrl);
        for (int i = 0; i < 100; i++) Assert.Contains($"Target:iqn.2018-05.local:many-{i} ", listed, StringComparison.Ordinal);
    }

    private Task<ScriptedSession> DiscoverAsync(int segment = 262144) =>
        ScriptedSession.LoginAsync(Daemon.Portal, new SessionOptions { MaxRecvDataSegmentLength = segment });

    private async Task AddManyAsync(int count)
    {
        await using ControlConnection control = await ControlConnection.OpenAsync(Daemon);
        for (int i = 0; i < count; i++) await control.MustAsync("ADDTARGET", new { target_name = $"iqn.2018-05.local:many-{i}" });
    }

    private static async Task AssertToldAsync(string bound, IPAddress connected, string told)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(bindTo: bound);
        await daemon.AddTargetAsync(First);
        using ScriptedSession session = await ScriptedSession.LoginAsync(new IPEndPoint(connected, daemon.Port), new SessionOptions());
        Assert.Equal([$"TargetName={First}", $"TargetAddress={(told.Contains(':', StringComparison.Ordinal) ? $"[{told}]" : told)}:{daemon.Port},1"], await session.AskAsync("SendTargets=All\0"));
    }
}
