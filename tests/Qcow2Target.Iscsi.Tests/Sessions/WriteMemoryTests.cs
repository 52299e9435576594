using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Iscsi.Tests.Support;

namespace Qcow2Target.Iscsi.Tests.Sessions;

public sealed class WriteMemoryTests
{
    private const uint None = BasicHeader.NoTag;
    private const int Blocks = 2048;                 // 1 MiB
    private const int Many = 100;
    private const byte TaskSetFull = 0x28;

    [Fact]
    public async Task One_session_is_asked_for_no_more_than_it_may_hold()
    {
        var session = Session(new BufferPool());
        for (var i = 0; i < Many; i++) session.Write(0, Blocks, final: true);
        Assert.InRange(Asked(session.Drain()), IscsiLimits.MaxWriteBytes, IscsiLimits.MaxWriteBytes + (1 << 20));
        Assert.InRange(session.Pool.HeldBytes, IscsiLimits.MaxWriteBytes, IscsiLimits.MaxWriteBytes + (2 << 20));
        Assert.False(session.Machine.HasParkedWork);
        await session.CloseAsync();
    }

    [Fact]
    public async Task While_memory_is_scarce_every_session_is_asked_for_what_it_was_promised()
    {
        var session = Session(Scarce());
        for (var i = 0; i < Many; i++) session.Write(0, Blocks, final: true);
        var r2ts = R2Ts(session.Drain());
        Assert.All(r2ts, r2t => Assert.InRange(r2t.DesiredDataTransferLength, 1u, (uint)IscsiLimits.ScarceBurstBytes));
        Assert.Equal(IscsiLimits.PromisedWriteBytes, r2ts.Sum(r2t => r2t.DesiredDataTransferLength));
        session.Machine.Close();
        await session.Machine.Completion;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Writes_come_to_their_end_while_memory_stays_scarce(bool slow)
    {
        var pool = Scarce();
        var before = pool.HeldBytes;
        var session = Session(pool);
        session.Executor.WritesAreSlow = slow;
        session.Executor.EndsSlowAtOnce = slow;
        var data = Enumerable.Range(0, Blocks * 512).Select(i => (byte)(i * 31)).ToArray();
        for (var i = 0; i < 20; i++) session.Write(i * 16, Blocks);
        var ended = 0;
        var turns = 0;
        for (var pdus = session.Drain(); pdus.Count > 0; pdus = session.Drain())
        {
            ended += pdus.Count(pdu => pdu.Opcode == Opcode.ScsiResponse && pdu.As<ScsiResponsePdu>().ScsiStatus == 0);
            foreach (var r2t in R2Ts(pdus))
                session.DataOut(r2t.InitiatorTaskTag, r2t.TargetTransferTag, 0, r2t.BufferOffset, data.AsSpan((int)r2t.BufferOffset, (int)r2t.DesiredDataTransferLength), final: true);
            Assert.True(++turns < 10_000, "the writes make no progress");
        }

        Assert.Equal(20, ended);
        Assert.Equal(before, pool.HeldBytes);
        Assert.Equal(data, session.Executor.Disk.AsSpan(19 * 16 * 512, data.Length).ToArray());
        await EndAsync(session);
    }

    [Fact]
    public async Task While_memory_is_scarce_data_that_nobody_asked_for_is_refused_beyond_the_promise_and_swallowed()
    {
        var session = Session(Scarce());
        var open = Enumerable.Range(0, 17).Select(_ => session.Write(0, Blocks, final: false)).ToArray();
        session.AssertSilent();
        var data = new byte[65536];
        session.DataOut(open[16], None, 0, 0, data, final: true);
        Assert.Equal(TaskSetFull, session.Only<ScsiResponsePdu>().ScsiStatus);
        session.DataOut(open[0], None, 0, 0, data, final: true);
        Assert.Equal(open[0], Assert.Single(R2Ts(session.Drain())).InitiatorTaskTag);
        await EndAsync(session);
    }

    [Fact]
    public async Task What_an_aborted_write_held_is_given_back_and_those_that_wait_go_on()
    {
        var session = Session(new BufferPool());
        var first = session.Write(0, Blocks, final: true);
        for (var i = 1; i < Many; i++) session.Write(0, Blocks, final: true);
        Assert.True(session.Machine.ParkedCount > 0);
        session.Drain();
        var held = session.Pool.HeldBytes;
        var raised = session.OutputReadyCount;
        session.Machine.AbortTasks(TaskFilter.ByTag(first));
        Assert.True(session.Pool.HeldBytes < held);
        Assert.True(session.OutputReadyCount > raised, "nobody is woken for those that wait");
        Assert.True(session.Machine.HasParkedWork);
        Assert.NotEmpty(R2Ts(session.Drain()));
        await session.CloseAsync();
    }

    [Fact]
    public async Task A_parameter_list_takes_memory_when_it_comes()
    {
        var session = Session(new BufferPool());
        var cdb = new byte[16];
        cdb[0] = FakeExecutor.Unmap;
        cdb[7] = 0x40;
        var tag = session.Command(cdb, 0x4000, write: true);
        var r2t = Assert.Single(R2Ts(session.Drain()));
        Assert.Equal(0x4000, session.Pool.HeldBytes);
        session.DataOut(tag, r2t.TargetTransferTag, 0, 0, new byte[0x4000], final: true);
        session.Drain();
        Assert.Equal(0, session.Pool.HeldBytes);
        Assert.Equal(0x4000, Assert.Single(session.Executor.ParameterLists).Length);
        await session.CloseAsync();
    }

    [Fact]
    public async Task While_memory_is_scarce_the_command_window_is_narrow()
    {
        var session = Session(Scarce());
        for (var i = 0; i < IscsiLimits.MaxTasks; i++)
        {
            session.TestUnitReady();
            session.Drain();
        }

        session.TestUnitReady();
        var response = session.Only<ScsiResponsePdu>();
        Assert.Equal((uint)IscsiLimits.ScarceTasks, response.MaxCmdSn - response.ExpCmdSn + 1);
        await EndAsync(session);
    }

    private static SessionHarness Session(BufferPool pool) =>
        new(p => p with { ImmediateData = false, MaxBurstLength = 1 << 20, MaxOutstandingR2T = 1, MaxRecvDataSegmentLength = 1 << 20 }, pool: pool);

    /// <summary>Other sessions hold all of it.</summary>
    private static BufferPool Scarce()
    {
        var pool = new BufferPool(1 << 20);
        pool.Promise(1 << 20);
        return pool;
    }

    private static List<ReadyToTransferPdu> R2Ts(IEnumerable<Qcow2Target.Testing.ScriptedInitiatorPdu> pdus) =>
        [.. pdus.Where(pdu => pdu.Opcode == Opcode.ReadyToTransfer).Select(pdu => pdu.As<ReadyToTransferPdu>())];

    private static long Asked(IEnumerable<Qcow2Target.Testing.ScriptedInitiatorPdu> pdus) => R2Ts(pdus).Sum(r2t => r2t.DesiredDataTransferLength);

    private static async Task EndAsync(SessionHarness session)
    {
        session.Pool.Promise(-(1 << 20));
        await session.CloseAsync();
    }
}
