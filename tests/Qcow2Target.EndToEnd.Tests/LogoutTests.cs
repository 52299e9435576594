using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>How sessions end: logout (RFC 7143 section 11.14), a cut connection, a daemon that is stopped.</summary>
public sealed class LogoutTests : IAsyncLifetime
{
    private const string Target = "iqn.2018-05.local:logout";
    private DaemonProcess? _started;

    private DaemonProcess Daemon => _started!;

    public async Task InitializeAsync()
    {
        _started = await DaemonProcess.StartAsync();
        QemuImg.Create(Daemon.Disk("disk.qcow2"), 1 << 20);
        await Daemon.AddTargetAsync(Target);
        await Daemon.AttachAsync(Target, "disk.qcow2");
    }

    public Task DisposeAsync() => Daemon.EndCleanlyAsync();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    public async Task Closing_the_session_or_its_connection_is_confirmed_as_the_last_word(byte reason, byte response)
    {
        using ScriptedSession session = await LoginAsync();
        Assert.Equal(response, await LogoutAsync(session, reason, connection: 0));
        await session.MustEndAsync();
        await Daemon.NobodyIsConnectedAsync(Target);
    }

    [Theory]
    [InlineData(1, 9, 1)]
    [InlineData(2, 0, 2)]
    public async Task A_logout_that_cannot_be_done_is_refused_with_its_code(byte reason, ushort connection, byte response)
    {
        using ScriptedSession session = await LoginAsync();
        Assert.Equal(response, await LogoutAsync(session, reason, connection));
    }

    [Fact]
    public async Task A_nexus_has_left_the_list_when_its_logout_is_confirmed()
    {
        using ScriptedSession session = await LoginAsync();
        Assert.True((await Daemon.ListAsync())[Target]!.Value<bool>("has_connections"));
        Assert.Equal(0, await LogoutAsync(session, 0, 0));
        JToken target = (await Daemon.ListAsync())[Target]!;
        Assert.False(target.Value<bool>("has_connections"));
        Assert.Empty(target["it_nexuses"]!);
        await Daemon.ClearTargetAsync(Target);
    }

    [Fact]
    public async Task A_logout_while_a_write_waits_for_its_data_ends_the_session()
    {
        using ScriptedSession session = await LoginAsync();
        await session.TestUnitReadyAsync();
        await session.StartWriteAsync(0, 8);
        Assert.Equal(0, await LogoutAsync(session, 0, 0));
        await session.MustEndAsync();
    }

    [Fact]
    public async Task A_cut_connection_ends_its_session_within_three_seconds()
    {
        using (ScriptedSession session = await LoginAsync())
        {
            await session.TestUnitReadyAsync();
            await session.StartWriteAsync(0, 8);
        }
        await Eventually.That(
            async () => !(await Daemon.ListAsync())[Target]!.Value<bool>("has_connections"), TimeSpan.FromSeconds(3), "the nexus has left the list");
    }

    [Fact]
    public async Task A_daemon_that_is_stopped_asks_for_a_logout_and_then_closes()
    {
        using ScriptedSession session = await LoginAsync();
        Daemon.Send(15);
        RawPdu message = await session.ReceiveAsync(Opcodes.AsyncMessage);
        Assert.Equal(1, message.Header[36]);
        Assert.Equal(RawPdu.NoTag, message.TaskTag);
        Assert.Equal(0, await LogoutAsync(session, 0, 0));
        await session.MustEndAsync();
        Assert.Equal(0, await Daemon.EndAsync());
    }

    [Fact]
    public async Task A_command_after_the_request_to_log_out_is_rejected()
    {
        using ScriptedSession session = await LoginAsync();
        Daemon.Send(15);
        await session.ReceiveAsync(Opcodes.AsyncMessage);
        await session.SendAsync(new RawPdu(Opcodes.ScsiCommand, 0x81) { TaskTag = session.NewTag() });
        Assert.Equal(0x0C, (await session.ReceiveAsync(Opcodes.Reject)).Header[2]);
        Assert.Equal(0, await LogoutAsync(session, 0, 0));
        Assert.Equal(0, await Daemon.EndAsync());
    }

    [Fact]
    public async Task A_nexus_that_comes_back_after_a_cut_is_told_of_its_loss()
    {
        SessionOptions options = new() { TargetName = Target, Isid = 0x80_00_00_00_77_01 };
        using (ScriptedSession session = await ScriptedSession.LoginAsync(Daemon.Portal, options))
        {
            while ((await session.TestUnitReadyAsync()).Header[3] != ScsiResult.Good) { }
        }
        await Daemon.NobodyIsConnectedAsync(Target);
        using ScriptedSession again = await ScriptedSession.LoginAsync(Daemon.Portal, options);
        RawPdu first = await again.TestUnitReadyAsync();
        Assert.Equal(ScsiResult.CheckCondition, first.Header[3]);
        Assert.Equal([0x06, 0x29, 0x07], new[] { first.Data.Span[4] & 0x0F, first.Data.Span[14], first.Data.Span[15] });
    }

    [Fact]
    public async Task A_daemon_that_is_stopped_does_not_wait_for_ever_for_an_initiator_that_says_nothing()
    {
        using ScriptedSession session = await LoginAsync();
        await Daemon.StopAsync();
    }

    private Task<ScriptedSession> LoginAsync() =>
        ScriptedSession.LoginAsync(Daemon.Portal, new SessionOptions { TargetName = Target, ImmediateData = false, InitialR2T = true });

    private static async Task<byte> LogoutAsync(ScriptedSession session, byte reason, ushort connection)
    {
        RawPdu request = new(Opcodes.Logout | Opcodes.Immediate, (byte)(0x80 | reason)) { TaskTag = session.NewTag() };
        request[20] = (uint)connection << 16;
        await session.SendAsync(request);
        RawPdu response = await session.ReceiveAsync(Opcodes.LogoutResponse);
        Assert.Equal(request.TaskTag, response.TaskTag);
        return response.Header[2];
    }
}
