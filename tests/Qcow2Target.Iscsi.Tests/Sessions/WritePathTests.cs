using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Tests.Support;
using Qcow2Target.Testing;

namespace Qcow2Target.Iscsi.Tests.Sessions;

public sealed class WritePathTests
{
    private const uint None = BasicHeader.NoTag;

    private readonly SessionHarness _session = new();

    [Fact]
    public async Task Immediate_data_goes_straight_to_the_device()
    {
        var data = Random(4096);
        _session.Write(8, 8, data);
        var response = _session.Only<ScsiResponsePdu>();
        Assert.True(response is { ScsiStatus: 0, Response: 0, IsOverflow: false, IsUnderflow: false, ExpDataSn: 0, StatSn: 1000 });
        Assert.Equal(data, Disk(8 * 512, 4096));
        Assert.Equal([4096], _session.Executor.DirectWrites);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Immediate_unsolicited_and_solicited_data_make_one_write()
    {
        var data = Random(200 * 512);
        var tag = _session.Write(0, 200, data.AsSpan(0, 8192), final: false);
        _session.DataOut(tag, None, 0, 8192, data.AsSpan(8192, 8192), final: false);
        _session.AssertSilent();
        _session.DataOut(tag, None, 1, 16384, data.AsSpan(16384, 49152), final: true);
        var r2t = _session.Only<ReadyToTransferPdu>();
        Assert.Equal((0u, 65536u, 36864u, 1000u), (r2t.R2TSn, r2t.BufferOffset, r2t.DesiredDataTransferLength, r2t.StatSn));
        Assert.NotEqual(None, r2t.TargetTransferTag);
        for (var i = 0; i < 9; i++) _session.DataOut(tag, r2t.TargetTransferTag, (uint)i, 65536 + ((uint)i * 4096), data.AsSpan(65536 + (i * 4096), 4096), final: i == 8);
        Assert.Equal(0, _session.Only<ScsiResponsePdu>().ScsiStatus);
        Assert.Equal(data, Disk(0, data.Length));
        Assert.Equal([65536, 36864], _session.Executor.DirectWrites);
        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(262144, 1)]
    [InlineData(65536, 4)]
    [InlineData(513, 8)]
    public async Task Everything_is_solicited_in_bursts_and_no_more_r2ts_are_open_than_agreed(int burst, int open)
    {
        var session = new SessionHarness(p => p with { InitialR2T = true, ImmediateData = false, MaxBurstLength = burst, FirstBurstLength = 512, MaxOutstandingR2T = open });
        var data = Random(700 * 512);
        var tag = session.Write(0, 700);
        var queue = new Queue<ReadyToTransferPdu>();
        var r2tSn = 0u;
        long asked = 0;
        while (true)
        {
            var pdus = session.Drain();
            if (pdus is [{ Opcode: Opcode.ScsiResponse } end])
            {
                Assert.Equal(0, end.As<ScsiResponsePdu>().ScsiStatus);
                break;
            }

            foreach (var r2t in pdus.Select(pdu => pdu.As<ReadyToTransferPdu>()))
            {
                Assert.Equal((r2tSn++, (uint)asked), (r2t.R2TSn, r2t.BufferOffset));
                Assert.InRange(r2t.DesiredDataTransferLength, 1u, (uint)burst);
                asked += r2t.DesiredDataTransferLength;
                queue.Enqueue(r2t);
            }

            Assert.InRange(queue.Count, 1, open);
            var next = queue.Dequeue();
            var (offset, length) = ((int)next.BufferOffset, (int)next.DesiredDataTransferLength);
            var half = length / 3;
            session.DataOut(tag, next.TargetTransferTag, 0, (uint)offset, data.AsSpan(offset, half), final: false);
            session.DataOut(tag, next.TargetTransferTag, 1, (uint)(offset + half), data.AsSpan(offset + half, length - half), final: true);
        }

        Assert.Equal(700 * 512, asked);
        Assert.Equal(data, session.Executor.Disk.AsSpan(0, data.Length).ToArray());
        await session.CloseAsync();
    }

    [Fact]
    public async Task Large_pieces_are_not_gathered()
    {
        var session = new SessionHarness(p => p with { InitialR2T = true, ImmediateData = false });
        var data = Random(512 * 512);
        var tag = session.Write(0, 512);
        var r2t = session.Only<ReadyToTransferPdu>();
        session.DataOut(tag, r2t.TargetTransferTag, 0, 0, data.AsSpan(0, 131072), final: false);
        Assert.Equal([131072], session.Executor.DirectWrites);
        session.DataOut(tag, r2t.TargetTransferTag, 1, 131072, data.AsSpan(131072), final: true);
        Assert.Equal(0, session.Only<ScsiResponsePdu>().ScsiStatus);
        Assert.Equal(data, session.Executor.Disk.AsSpan(0, data.Length).ToArray());
        await session.CloseAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Slow_writes_are_waited_for_before_the_status(bool atOnce)
    {
        _session.Executor.WritesAreSlow = true;
        _session.Executor.EndsSlowAtOnce = atOnce;
        var data = Random(150 * 512);
        var tag = _session.Write(0, 150, data.AsSpan(0, 65536));
        var r2t = _session.Only<ReadyToTransferPdu>();
        _session.DataOut(tag, r2t.TargetTransferTag, 0, 65536, data.AsSpan(65536), final: true);
        if (!atOnce)
        {
            Assert.Equal(2, _session.Executor.SlowWrites.Count);
            _session.AssertSilent();
            _session.Executor.EndAll();
        }

        Assert.Equal(0, _session.Only<ScsiResponsePdu>().ScsiStatus);
        Assert.Equal(data, Disk(0, data.Length));
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Gathered_data_that_is_written_slowly_leaves_half_a_block_behind()
    {
        var session = new SessionHarness(p => p with { FirstBurstLength = 700, MaxBurstLength = 1024 });
        session.Executor.WritesAreSlow = true;
        var data = Random(4 * 512);
        var tag = session.Write(0, 4, data.AsSpan(0, 100), final: false);
        session.DataOut(tag, None, 0, 100, data.AsSpan(100, 600), final: true);
        for (var offset = 700; offset < data.Length;)
        {
            var r2t = session.Only<ReadyToTransferPdu>();
            var length = (int)r2t.DesiredDataTransferLength;
            session.DataOut(tag, r2t.TargetTransferTag, 0, (uint)offset, data.AsSpan(offset, length), final: true);
            offset += length;
        }

        Assert.All(session.Executor.SlowWrites, write => Assert.Equal((0, 0), ((int)write.Buffer.Position % 512, write.Buffer.Bytes.Length % 512)));
        session.Executor.EndAll();
        Assert.Equal(0, session.Only<ScsiResponsePdu>().ScsiStatus);
        Assert.Equal(data, session.Executor.Disk.AsSpan(0, data.Length).ToArray());
        await session.CloseAsync();
    }

    [Fact]
    public async Task No_r2t_follows_the_answer_that_another_thread_gives()
    {
        var session = new SessionHarness(p => p with { InitialR2T = true, MaxBurstLength = 65536 });
        session.Executor.WritesAreSlow = true;
        var tag = session.Write(0, 256);
        var first = session.Only<ReadyToTransferPdu>();
        var burst = session.Bytes(new DataOutPdu { InitiatorTaskTag = tag, TargetTransferTag = first.TargetTransferTag, IsFinal = true }, new byte[65536]);
        var next = session.CommandPdu(new byte[16], 0, read: false, write: false, final: true, SessionHarness.Lun0, tag: 1);
        session.Executor.OnBegin = _ =>
        {
            var writer = new Thread(session.Executor.EndAll);
            writer.Start();
            writer.Join();
        };

        // The burst comes twice: the second one ends the R2T that the first has only just led to.
        session.Machine.Receive([.. burst, .. burst, .. session.Bytes(next)]);
        Assert.Equal([Opcode.ReadyToTransfer, Opcode.ScsiResponse], session.Drain().Where(pdu => pdu.InitiatorTaskTag == tag).Select(pdu => pdu.Opcode));
        await session.CloseAsync();
    }

    [Fact]
    public async Task A_failed_write_stops_asking_for_data_and_answers_when_the_rest_is_back()
    {
        var session = new SessionHarness(p => p with { InitialR2T = true, MaxBurstLength = 65536, MaxOutstandingR2T = 2 });
        session.Executor.WritesAreSlow = true;
        var tag = session.Write(0, 512);
        var r2ts = session.Drain().ConvertAll(pdu => pdu.As<ReadyToTransferPdu>());
        Assert.Equal(2, r2ts.Count);
        session.DataOut(tag, r2ts[0].TargetTransferTag, 0, 0, new byte[65536], final: true);
        Assert.Single(session.Drain());
        Assert.True(session.Executor.SlowWrites.TryDequeue(out var write));
        write.Task.WriteFailed(write.Buffer, 2, FakeExecutor.WriteError);
        session.AssertSilent();
        session.DataOut(tag, r2ts[1].TargetTransferTag, 0, 65536, new byte[65536], final: true);
        session.AssertSilent();
        session.DataOut(tag, r2ts[1].TargetTransferTag + 1, 0, 131072, new byte[65536], final: true);
        var result = session.Result(tag);
        Assert.Equal((2, "3/0C/00"), (result.Status, result.SenseCode));
        await session.CloseAsync();
    }

    [Fact]
    public async Task Slow_writes_hold_a_bounded_amount_of_memory()
    {
        var session = new SessionHarness(p => p with { InitialR2T = true, ImmediateData = false, MaxBurstLength = 262144 });
        session.Executor.WritesAreSlow = true;
        var length = 2 * IscsiLimits.MaxWriteBytes;
        var tag = session.Command(ScriptedInitiator.Cdb16(FakeExecutor.Write, 0, length / 512), (uint)length, write: true);
        var held = 0;
        while (session.Drain() is [{ Opcode: Opcode.ReadyToTransfer } pdu])
        {
            var r2t = pdu.As<ReadyToTransferPdu>();
            held += (int)r2t.DesiredDataTransferLength;
            session.DataOut(tag, r2t.TargetTransferTag, 0, r2t.BufferOffset, new byte[r2t.DesiredDataTransferLength], final: true);
        }

        Assert.InRange(held, 1, IscsiLimits.MaxWriteBytes + 262144);
        Assert.Equal((1, false), (session.Machine.ParkedCount, session.Machine.HasParkedWork));
        var before = session.OutputReadyCount;
        Assert.True(session.Executor.SlowWrites.TryDequeue(out var write));
        write.Task.WriteDone(write.Buffer);
        Assert.True(session.OutputReadyCount > before);
        Assert.True(session.Machine.HasParkedWork);
        session.Machine.Pump();
        Assert.Equal(Opcode.ReadyToTransfer, session.Only().Opcode);
        session.Machine.Close();
        while (session.Executor.SlowWrites.TryDequeue(out write)) write.Task.WriteDone(write.Buffer);
        await session.CloseAsync();
    }

    [Fact]
    public async Task Parameters_arrive_whole_however_they_come()
    {
        var list = Random(3000);
        var cdb = new byte[16];
        cdb[0] = FakeExecutor.Unmap;
        (cdb[7], cdb[8]) = (3000 >> 8, 3000 & 255);
        var tag = _session.Command(cdb, 3000, write: true, final: false, data: list.AsSpan(0, 1000));
        _session.DataOut(tag, None, 0, 1000, list.AsSpan(1000, 1000), final: true);
        var r2t = _session.Only<ReadyToTransferPdu>();
        _session.DataOut(tag, r2t.TargetTransferTag, 0, 2000, list.AsSpan(2000), final: true);
        Assert.Equal(0, _session.Only<ScsiResponsePdu>().ScsiStatus);
        Assert.Equal(list, Assert.Single(_session.Executor.ParameterLists));
        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(2, 0u, 0, true, false, 1024u)]
    [InlineData(2, 2048u, 1024, false, true, 1024u)]
    [InlineData(2, 512u, 512, true, false, 512u)]
    [InlineData(1, 200u, 200, true, false, 312u)]
    public async Task Residuals_are_relative_to_the_expected_length_and_nothing_beyond_is_written(
        int blocks, uint edtl, int written, bool overflow, bool underflow, uint residual)
    {
        var before = Disk(0, 4096);
        var data = Random((int)edtl);
        var tag = _session.Write(0, blocks, data, edtl);
        var result = _session.Result(tag);
        Assert.Equal((0, overflow, underflow, residual), (result.Status, result.IsOverflow, result.IsUnderflow, result.Residual));
        Assert.Equal(data[..written], Disk(0, written));
        Assert.Equal(before[written..], Disk(written, 4096 - written));
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Only_what_the_command_takes_is_solicited()
    {
        var session = new SessionHarness(p => p with { InitialR2T = true, ImmediateData = false });
        var tag = session.Write(0, 2, edtl: 4096);
        var r2t = session.Only<ReadyToTransferPdu>();
        Assert.Equal(1024u, r2t.DesiredDataTransferLength);
        session.DataOut(tag, r2t.TargetTransferTag, 0, 0, new byte[1024], final: true);
        var result = session.Result(tag);
        Assert.True(result is { IsGood: true, IsUnderflow: true, Residual: 3072 });
        await session.CloseAsync();
    }

    [Fact]
    public async Task A_write_whose_initiator_would_read_is_refused()
    {
        var tag = _session.Command(ScriptedInitiator.Cdb16(FakeExecutor.Write, 0, 1), 512, read: true);
        var result = _session.Result(tag);
        Assert.Equal((2, "5/0E/03", true, 512u), (result.Status, result.SenseCode, result.IsUnderflow, result.Residual));
        Assert.Empty(_session.Executor.DirectWrites);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task A_command_that_fails_early_swallows_what_was_announced_and_asks_for_nothing()
    {
        var cdb = new byte[16];
        cdb[0] = 0xFF;
        var tag = _session.Command(cdb, 200000, write: true, final: false, data: new byte[512]);
        _session.AssertSilent();
        _session.DataOut(tag, None, 0, 512, new byte[512], final: false);
        _session.AssertSilent();
        _session.DataOut(tag, None, 1, 1024, new byte[512], final: true);
        var result = _session.Result(tag);
        Assert.Equal((2, "5/20/00", 200000u), (result.Status, result.SenseCode, result.Residual));
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Immediate_data_that_was_not_agreed_upon_is_unexpected()
    {
        var session = new SessionHarness(p => p with { ImmediateData = false });
        var result = session.Result(session.Write(0, 1, new byte[512]));
        Assert.Equal((2, "B/0C/0C"), (result.Status, result.SenseCode));
        Assert.Empty(session.Executor.DirectWrites);
        await session.CloseAsync();
    }

    [Fact]
    public async Task Unsolicited_data_that_was_not_agreed_upon_is_discarded_to_its_end()
    {
        var session = new SessionHarness(p => p with { InitialR2T = true });
        var tag = session.Write(0, 2, new byte[512], final: false);
        session.AssertSilent();
        session.DataOut(tag, None, 0, 512, new byte[512], final: true);
        Assert.Equal("B/0C/0C", session.Result(tag).SenseCode);
        await session.CloseAsync();
    }

    [Fact]
    public async Task More_than_the_first_burst_is_unexpected()
    {
        var tag = _session.Write(0, 300, new byte[65536], final: false);
        _session.DataOut(tag, None, 0, 65536, new byte[512], final: true);
        Assert.Equal("B/0C/0C", _session.Result(tag).SenseCode);
        tag = _session.Write(0, 300, new byte[65536 + 512]);
        Assert.Equal("B/0C/0C", _session.Result(tag).SenseCode);
        tag = _session.Write(0, 1, new byte[512], final: false);
        _session.DataOut(tag, None, 0, 512, new byte[4], final: true);
        Assert.Equal("B/0C/0C", _session.Result(tag).SenseCode);
        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(1u, 0u, 512, "B/47/05")]
    [InlineData(0u, 512u, 512, "B/47/05")]
    [InlineData(0u, 0u, 1028, "B/47/05")]
    [InlineData(0u, 0u, 512, "B/0C/0D")]
    public async Task A_broken_sequence_never_ends_good(uint dataSn, uint offset, int length, string sense)
    {
        var session = new SessionHarness(p => p with { InitialR2T = true, ImmediateData = false });
        var tag = session.Write(0, 2);
        var r2t = session.Only<ReadyToTransferPdu>();
        session.DataOut(tag, r2t.TargetTransferTag, dataSn, offset, new byte[length], final: true);
        var result = session.Result(tag);
        Assert.Equal((2, sense), (result.Status, result.SenseCode));
        await session.CloseAsync();
    }

    [Fact]
    public async Task A_wrong_transfer_tag_ends_the_command_after_its_data()
    {
        var session = new SessionHarness(p => p with { InitialR2T = true, ImmediateData = false });
        var tag = session.Write(0, 2);
        var r2t = session.Only<ReadyToTransferPdu>();
        session.DataOut(tag, r2t.TargetTransferTag ^ 0x5555, 0, 0, new byte[512], final: false);
        session.AssertSilent();
        session.DataOut(tag, r2t.TargetTransferTag, 0, 0, new byte[1024], final: true);
        Assert.Equal("B/47/05", session.Result(tag).SenseCode);
        await session.CloseAsync();
    }

    [Fact]
    public async Task A_short_unsolicited_sequence_is_made_good_by_an_r2t()
    {
        var tag = _session.Write(0, 4, new byte[512], final: false);
        _session.DataOut(tag, None, 0, 512, new byte[512], final: true);
        var r2t = _session.Only<ReadyToTransferPdu>();
        Assert.Equal((1024u, 1024u), (r2t.BufferOffset, r2t.DesiredDataTransferLength));
        _session.DataOut(tag, r2t.TargetTransferTag, 0, 1024, new byte[1024], final: true);
        Assert.Equal(0, _session.Only<ScsiResponsePdu>().ScsiStatus);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Data_for_an_unknown_task_is_rejected_and_for_a_late_one_dropped()
    {
        _session.DataOut(4711, None, 0, 0, new byte[512], final: true);
        var reject = _session.Only();
        Assert.Equal(RejectReason.InvalidPduField, reject.As<RejectPdu>().Reason);
        Assert.Equal(48, reject.Data.Length);
        var tag = _session.Write(0, 1, new byte[512]);
        _session.Only();
        _session.DataOut(tag, None, 0, 0, new byte[512], final: true);
        _session.AssertSilent();
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Data_of_an_ignored_command_is_ignored_too()
    {
        _session.CmdSn += 1000;
        var tag = _session.Write(0, 2, new byte[512], final: false);
        _session.DataOut(tag, None, 0, 512, new byte[512], final: true);
        _session.AssertSilent();
        Assert.Equal(0, _session.Executor.Begun);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task A_broken_data_digest_ends_the_command_after_its_last_data()
    {
        var session = new SessionHarness(p => p with { InitialR2T = true, ImmediateData = false, DataDigest = DigestMethod.Crc32C });
        var tag = session.Write(0, 2);
        var r2t = session.Only<ReadyToTransferPdu>();
        var pdu = session.Bytes(new DataOutPdu { InitiatorTaskTag = tag, TargetTransferTag = r2t.TargetTransferTag }, new byte[512]);
        pdu[^1] ^= 1;
        session.Machine.Receive(pdu);
        session.AssertSilent();
        session.DataOut(tag, r2t.TargetTransferTag, 1, 512, new byte[512], final: true);
        Assert.Equal("B/47/05", session.Result(tag).SenseCode);
        await session.CloseAsync();
    }

    private static byte[] Random(int length)
    {
        var data = new byte[length];
        new Random(length).NextBytes(data);
        return data;
    }

    private byte[] Disk(int offset, int length) => _session.Executor.Disk.AsSpan(offset, length).ToArray();
}
