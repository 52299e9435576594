using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>Pings both ways (RFC 7143 sections 11.18 and 11.19), said PDU by PDU.</summary>
public sealed class NopTests(DaemonFixture fixture) : IClassFixture<DaemonFixture>, IAsyncLifetime
{
    private readonly DaemonProcess _daemon = fixture.Daemon;
    private readonly string _target = $"iqn.2018-05.local:nop-{Guid.NewGuid():n}";

    public async Task InitializeAsync()
    {
        string disk = $"{Guid.NewGuid():n}.qcow2";
        QemuImg.Create(_daemon.Disk(disk), 1 << 20);
        await _daemon.AddTargetAsync(_target);
        await _daemon.AttachAsync(_target, disk);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(7)]
    [InlineData(4096)]
    public async Task A_ping_is_answered_with_its_data_its_tag_and_its_lun(int length)
    {
        using ScriptedSession session = await LoginAsync();
        byte[] data = [.. Enumerable.Range(0, length).Select(i => (byte)(i * 7))];
        uint tag = session.NewTag();
        await session.SendAsync(Ping(tag, data, Opcodes.Immediate));
        RawPdu answer = await session.ReceiveAsync(Opcodes.NopIn);
        Assert.Equal(tag, answer.TaskTag);
        Assert.Equal(RawPdu.NoTag, answer.TransferTag);
        Assert.Equal(0x80, answer.Flags);
        Assert.Equal(0ul, answer.Lun);
        Assert.Equal(data, answer.Data.ToArray());
    }

    [Fact]
    public async Task An_echo_is_cut_at_what_we_take()
    {
        using ScriptedSession session = await LoginAsync(new SessionOptions { MaxRecvDataSegmentLength = 512 });
        byte[] data = [.. Enumerable.Range(0, 2000).Select(i => (byte)i)];
        await session.SendAsync(Ping(session.NewTag(), data, Opcodes.Immediate));
        RawPdu answer = await session.ReceiveAsync(Opcodes.NopIn);
        Assert.Equal(data[..512], answer.Data.ToArray());
    }

    [Fact]
    public async Task A_ping_that_is_not_immediate_takes_up_its_command_number()
    {
        using ScriptedSession session = await LoginAsync();
        uint before = session.CommandSequence;
        await session.SendAsync(Ping(session.NewTag(), [], 0));
        Assert.Equal(before + 1, (await session.ReceiveAsync(Opcodes.NopIn)).ExpectedSequence);
        await session.SendAsync(Ping(session.NewTag(), [], Opcodes.Immediate));
        Assert.Equal(before + 1, (await session.ReceiveAsync(Opcodes.NopIn)).ExpectedSequence);
    }

    [Fact]
    public async Task A_nop_out_without_a_tag_gets_no_answer()
    {
        using ScriptedSession session = await LoginAsync();
        await session.SendAsync(Ping(RawPdu.NoTag, [1, 2, 3, 4], Opcodes.Immediate));
        uint tag = session.NewTag();
        await session.SendAsync(Ping(tag, [], Opcodes.Immediate));
        Assert.Equal(tag, (await session.ReceiveAsync(Opcodes.NopIn)).TaskTag);
    }

    [Fact]
    public async Task A_ping_does_not_wait_for_a_command_that_waits_for_data()
    {
        using ScriptedSession session = await LoginAsync(new SessionOptions { ImmediateData = false, InitialR2T = true });
        await TakeUnitAttentionAsync(session);
        (uint write, RawPdu r2t) = await session.StartWriteAsync(0, 8);
        uint tag = session.NewTag();
        await session.SendAsync(Ping(tag, [5], 0));
        Assert.Equal(tag, (await session.ReceiveAsync(Opcodes.NopIn)).TaskTag);
        await session.AnswerAsync(r2t, write, 0x11);
        Assert.Equal(write, (await session.ReceiveAsync(Opcodes.ScsiResponse)).TaskTag);
    }

    [Fact]
    public async Task An_idle_connection_is_pinged_and_lives_on_though_pings_stay_unanswered()
    {
        using ScriptedSession session = await LoginAsync();
        uint status = session.StatusSequence;
        for (int i = 0; i < 2; i++)
        {
            RawPdu ping = await session.ReceiveAnyAsync() ?? throw new IOException("the target closed the connection");
            Assert.True(ScriptedSession.IsPing(ping), $"{ping}");
            Assert.NotEqual(RawPdu.NoTag, ping.TransferTag);
            Assert.Equal(0, ping.Data.Length);
            Assert.Equal(status, ping.StatusSequence);
        }
        await TakeUnitAttentionAsync(session);
    }

    [Fact]
    public async Task The_answer_to_a_ping_of_the_target_gets_no_answer()
    {
        using ScriptedSession session = await LoginAsync();
        RawPdu ping = await session.ReceiveAnyAsync() ?? throw new IOException("the target closed the connection");
        await session.SendAsync(new RawPdu(Opcodes.NopOut | Opcodes.Immediate) { TaskTag = RawPdu.NoTag, TransferTag = ping.TransferTag, Lun = ping.Lun });
        uint tag = session.NewTag();
        await session.SendAsync(Ping(tag, [], Opcodes.Immediate));
        Assert.Equal(tag, (await session.ReceiveAsync(Opcodes.NopIn)).TaskTag);
    }

    private Task<ScriptedSession> LoginAsync(SessionOptions? options = null) =>
        ScriptedSession.LoginAsync(_daemon.Portal, (options ?? new SessionOptions()) with { TargetName = _target });

    private static RawPdu Ping(uint tag, byte[] data, byte immediate) => new((byte)(Opcodes.NopOut | immediate), 0x80, data) { TaskTag = tag, TransferTag = RawPdu.NoTag };

    private static async Task TakeUnitAttentionAsync(ScriptedSession session)
    {
        Assert.Equal(ScsiResult.CheckCondition, (await session.TestUnitReadyAsync()).Header[3]);
        Assert.Equal(ScsiResult.Good, (await session.TestUnitReadyAsync()).Header[3]);
    }
}
