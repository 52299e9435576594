using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.EndToEnd.Tests.Refusals;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>
/// Task management on a command that surely runs: a write whose R2T stays unanswered. What was aborted is never answered, its data are
/// not written when they come late, and the connection goes on.
/// </summary>
public sealed class TaskManagementTests(DaemonFixture fixture) : IClassFixture<DaemonFixture>, IAsyncLifetime
{
    private const byte AbortTask = 1, AbortTaskSet = 2, ClearTaskSet = 4, LunReset = 5, TargetWarmReset = 6, TargetColdReset = 7, TaskReassign = 8, ClearAca = 3;
    private const byte FunctionComplete = 0, NoSuchTask = 1, NoSuchLun = 2, ReassignNotSupported = 4, NotSupported = 5;
    private const int LunResetOccurred = 0x06_29_03, ResetOccurred = 0x06_29_00;
    private readonly DaemonProcess _daemon = fixture.Daemon;
    private readonly string _target = $"iqn.2018-05.local:tmf-{Guid.NewGuid():n}";

    private SessionOptions Options => new() { TargetName = _target, ImmediateData = false, InitialR2T = true };

    public async Task InitializeAsync()
    {
        string disk = $"{Guid.NewGuid():n}.qcow2";
        QemuImg.Create(_daemon.Disk(disk), 1 << 20);
        await _daemon.AddTargetAsync(_target);
        await _daemon.AttachAsync(_target, disk);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Theory]
    [InlineData(AbortTask)]
    [InlineData(AbortTaskSet)]
    [InlineData(ClearTaskSet)]
    [InlineData(LunReset)]
    [InlineData(TargetWarmReset)]
    public async Task What_runs_is_aborted(byte function)
    {
        using ScriptedSession session = await ReadyAsync();
        (uint tag, RawPdu r2t) = await session.StartWriteAsync(0, 8);
        Assert.Equal(FunctionComplete, await ManageAsync(session, function, function == AbortTask ? tag : RawPdu.NoTag, session.CommandSequence - 1));
        await session.AnswerAsync(r2t, tag, 0xEE);
        await PingAsync(session);
        await TakeUnitAttentionsAsync(session);
        Assert.All(await ReadAsync(0, 8), value => Assert.Equal(0, value));
    }

    [Fact]
    public async Task A_lun_reset_by_one_initiator_aborts_the_commands_of_another_and_tells_both()
    {
        using ScriptedSession victim = await ReadyAsync();
        await using InitiatorSession other = await InitiatorSession.ReadyAsync(_daemon.Portal, new SessionOptions { TargetName = _target });
        (uint tag, RawPdu r2t) = await victim.StartWriteAsync(16, 8);
        Assert.Equal(FunctionComplete, await other.ManageAsync(LunReset));
        Assert.Equal(LunResetOccurred, (await other.ExecuteAsync(Cdb.TestUnitReady())).Sense);
        await victim.AnswerAsync(r2t, tag, 0xEE);
        RawPdu attention = await victim.TestUnitReadyAsync();
        Assert.Equal(ScsiResult.CheckCondition, attention.Header[3]);
        Assert.Contains(SenseOf(attention), new[] { LunResetOccurred, ResetOccurred });
        byte[] read = new byte[4096];
        await other.MustAsync(Cdb.Read16(16, read));
        Assert.All(read, value => Assert.Equal(0, value));
    }

    [Fact]
    public async Task A_task_that_has_ended_or_never_was_is_not_found()
    {
        using ScriptedSession session = await ReadyAsync();
        (uint tag, RawPdu r2t) = await session.StartWriteAsync(0, 1);
        await session.AnswerAsync(r2t, tag, 0x22);
        await session.ReceiveAsync(Opcodes.ScsiResponse);
        Assert.Equal(NoSuchTask, await ManageAsync(session, AbortTask, tag, session.CommandSequence - 1));
        Assert.Equal(NoSuchTask, await ManageAsync(session, AbortTask, 0x00ABCDEF, session.CommandSequence - 5));
    }

    [Theory]
    [InlineData("a task that is not there", AbortTask, 0, NoSuchTask)]
    [InlineData("every task of a LUN that is not there", AbortTaskSet, 9, NoSuchLun)]
    [InlineData("a LUN without ACA", ClearAca, 0, NotSupported)]
    [InlineData("the task set of a LUN that is not there", ClearTaskSet, 9, NoSuchLun)]
    [InlineData("a LUN that is not there", LunReset, 9, NoSuchLun)]
    [InlineData("a LUN field of no known method", LunReset, 0xC000, NoSuchLun)]
    [InlineData("a task to be taken over", TaskReassign, 0, ReassignNotSupported)]
    [InlineData("a query for a task", 9, 0, NotSupported)]
    [InlineData("a query for a task set", 10, 0, NotSupported)]
    [InlineData("a reset of the nexus", 11, 0, NotSupported)]
    [InlineData("a query for an event", 12, 0, NotSupported)]
    [InlineData("a function of nobody", 0x7F, 0, NotSupported)]
    public async Task Functions_that_cannot_be_done_say_so(string of, byte function, int lun, byte response)
    {
        using ScriptedSession session = await ReadyAsync();
        byte answered = await ManageAsync(session, function, session.NewTag(), session.CommandSequence, lun);
        Assert.True(response == answered, $"{of}: {answered}");
        await PingAsync(session);
    }

    /// <summary>The command set and the transport answer for themselves; what the first promises the second must do (SPC-4 6.36, RFC 7143 11.5.1, RFC 7144).</summary>
    [Fact]
    public async Task Exactly_the_functions_that_the_disk_reports_are_done()
    {
        (int At, byte Bit, byte Function)[] functions =
        [
            (0, 0x80, AbortTask), (0, 0x40, AbortTaskSet), (0, 0x20, ClearAca), (0, 0x10, ClearTaskSet), (0, 0x08, LunReset), (0, 0x04, 9), (1, 0x04, 12), (1, 0x02, 10), (1, 0x01, 11),
        ];
        using RawCommands commands = await RawCommands.LoginAsync(_daemon, Options);
        await commands.TakeAttentionsAsync();
        byte[] reported = (await commands.RunAsync([0xA3, 0x0D, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0], read: 4)).DataIn;
        foreach ((int at, byte bit, byte function) in functions)
        {
            byte answered = await ManageAsync(commands.Session, function, commands.Session.NewTag(), commands.Session.CommandSequence);
            Assert.True((reported[at] & bit) != 0 == (answered != NotSupported), $"function {function}: answered {answered}, reported {Convert.ToHexString(reported)}");
        }
    }

    [Fact]
    public async Task A_cold_reset_is_answered_and_then_every_connection_ends()
    {
        using ScriptedSession other = await ReadyAsync(), session = await ReadyAsync();
        await other.StartWriteAsync(0, 8);
        Assert.Equal(FunctionComplete, await ManageAsync(session, TargetColdReset, RawPdu.NoTag, session.CommandSequence));
        await session.MustEndAsync();
        await other.MustEndAsync();
        await _daemon.NobodyIsConnectedAsync(_target);
        Assert.All(await ReadAsync(0, 8), value => Assert.Equal(0, value));
    }

    [Fact]
    public async Task A_new_login_of_the_same_nexus_ends_the_old_session_and_its_commands()
    {
        SessionOptions options = Options with { Isid = 0x80_00_00_12_34_56 };
        using ScriptedSession old = await ScriptedSession.LoginAsync(_daemon.Portal, options);
        await TakeUnitAttentionsAsync(old);
        await old.StartWriteAsync(32, 8);
        using ScriptedSession reinstated = await ScriptedSession.LoginAsync(_daemon.Portal, options);
        await old.MustEndAsync();
        await TakeUnitAttentionsAsync(reinstated);
        Assert.Single((await _daemon.ListAsync())[_target]!["it_nexuses"]!);
        Assert.All(await ReadAsync(32, 8), value => Assert.Equal(0, value));
    }

    private async Task<ScriptedSession> ReadyAsync()
    {
        ScriptedSession session = await ScriptedSession.LoginAsync(_daemon.Portal, Options);
        await TakeUnitAttentionsAsync(session);
        return session;
    }

    private static async Task TakeUnitAttentionsAsync(ScriptedSession session)
    {
        for (int i = 0; (await session.TestUnitReadyAsync()).Header[3] != ScsiResult.Good; i++) Assert.True(i < 5, "the unit attentions do not end");
    }

    private static async Task PingAsync(ScriptedSession session)
    {
        uint tag = session.NewTag();
        await session.SendAsync(new RawPdu(Opcodes.NopOut | Opcodes.Immediate) { TaskTag = tag, TransferTag = RawPdu.NoTag });
        Assert.Equal(tag, (await session.ReceiveAsync(Opcodes.NopIn)).TaskTag);
    }

    private static async Task<byte> ManageAsync(ScriptedSession session, byte function, uint referenced, uint referencedSequence, int lun = 0)
    {
        RawPdu request = new(Opcodes.TaskManagement | Opcodes.Immediate, (byte)(0x80 | function))
        {
            TaskTag = session.NewTag(),
            TransferTag = referenced,
            Lun = (ulong)lun << 48,
        };
        request[32] = referencedSequence;
        await session.SendAsync(request);
        RawPdu response = await session.ReceiveAsync(Opcodes.TaskManagementResponse);
        Assert.Equal(request.TaskTag, response.TaskTag);
        return response.Header[2];
    }

    private async Task<byte[]> ReadAsync(long lba, int blocks)
    {
        await using InitiatorSession reader = await InitiatorSession.ReadyAsync(_daemon.Portal, new SessionOptions { TargetName = _target });
        byte[] data = new byte[blocks * Cdb.BlockLength];
        await reader.MustAsync(Cdb.Read16(lba, data));
        await reader.LogoutAsync();
        return data;
    }

    private static int SenseOf(RawPdu response)
    {
        ReadOnlySpan<byte> sense = response.Data.Span[2..];
        return (sense[2] & 0x0F) << 16 | sense[12] << 8 | sense[13];
    }
}
