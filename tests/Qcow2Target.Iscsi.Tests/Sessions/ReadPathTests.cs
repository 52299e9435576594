using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Tests.Support;

namespace Qcow2Target.Iscsi.Tests.Sessions;

public sealed class ReadPathTests
{
    private readonly SessionHarness _session = new();

    [Fact]
    public async Task A_cached_read_is_one_data_in_with_status()
    {
        _session.Read(8, 8);
        var pdu = _session.Only();
        var header = pdu.As<DataInPdu>();
        Assert.True(header is { IsFinal: true, HasStatus: true, ScsiStatus: 0, IsOverflow: false, IsUnderflow: false, ResidualCount: 0, DataSn: 0, BufferOffset: 0 });
        Assert.Equal(BasicHeader.NoTag, header.TargetTransferTag);
        Assert.Equal(_session.Executor.Disk.AsSpan(8 * 512, 4096).ToArray(), pdu.Data);
        Assert.Equal((1000u, 51u, 50u + 128), (header.StatSn, header.ExpCmdSn, header.MaxCmdSn));
        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(512, 262144)]
    [InlineData(8192, 65536)]
    [InlineData(1000, 700)]
    [InlineData(262144, 262144)]
    [InlineData(16777215, 1 << 20)]
    public async Task Data_is_cut_by_segment_and_burst(int segment, int burst)
    {
        foreach (var slow in new[] { false, true })
        {
            var session = new SessionHarness(p => p with { PeerMaxRecvDataSegmentLength = segment, MaxBurstLength = burst });
            session.Executor.ReadsAreSlow = slow;
            session.Executor.EndsSlowAtOnce = true;
            session.Read(1, 3000);
            var pdus = session.Drain();
            long offset = 0;
            long sinceFinal = 0;
            for (var i = 0; i < pdus.Count; i++)
            {
                var header = pdus[i].As<DataInPdu>();
                Assert.InRange(pdus[i].Data.Length, 1, segment);
                sinceFinal += pdus[i].Data.Length;
                Assert.True(sinceFinal <= burst);
                if (header.IsFinal) sinceFinal = 0;
                Assert.Equal((uint)i, header.DataSn);
                Assert.Equal((uint)offset, header.BufferOffset);
                Assert.Equal(i == pdus.Count - 1, header.HasStatus);
                Assert.Equal(1000u, header.StatSn);
                Assert.Equal(session.Executor.Disk.AsSpan((int)(512 + offset), pdus[i].Data.Length).ToArray(), pdus[i].Data);
                offset += pdus[i].Data.Length;
            }

            Assert.Equal(0, sinceFinal);
            Assert.Equal(3000 * 512, offset);
            await session.CloseAsync();
        }
    }

    [Fact]
    public async Task Slow_reads_are_answered_out_of_order()
    {
        _session.Executor.ReadsAreSlow = true;
        var first = _session.Read(0, 8);
        _session.Executor.ReadsAreSlow = false;
        var second = _session.Read(8, 8);
        Assert.Equal(second, _session.Only().InitiatorTaskTag);
        var before = _session.OutputReadyCount;
        _session.Executor.EndAll();
        Assert.True(_session.OutputReadyCount > before);
        var late = _session.Only();
        Assert.Equal(first, late.InitiatorTaskTag);
        Assert.Equal(1001u, late.As<DataInPdu>().StatSn);
        Assert.Equal(_session.Executor.Disk.AsSpan(0, 4096).ToArray(), late.Data);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task A_read_that_turns_slow_half_way_keeps_its_order()
    {
        var session = new SessionHarness(p => p with { PeerMaxRecvDataSegmentLength = 4096 });
        session.Executor.OnBegin = _ => session.Executor.ReadsAreSlow = false;
        var tag = session.NextTag();
        var reads = 0;
        session.Executor.BeforeRead = () => session.Executor.ReadsAreSlow = ++reads > 2;
        session.Executor.EndsSlowAtOnce = true;
        session.Command(Testing.ScriptedInitiator.Cdb16(FakeExecutor.Read, 0, 100), 51200, read: true, tag: tag);
        var result = session.Result(tag);
        Assert.True(result.IsGood);
        Assert.Equal(session.Executor.Disk.AsSpan(0, 51200).ToArray(), result.Data);
        await session.CloseAsync();
    }

    [Fact]
    public async Task A_failed_read_ends_with_its_sense_and_an_underflow()
    {
        _session.Executor.ReadsAreSlow = true;
        var tag = _session.Read(0, 8);
        Assert.True(_session.Executor.SlowReads.TryDequeue(out var read));
        read.Task.ReadFailed(read.Buffer, 2, FakeExecutor.ReadError);
        var result = _session.Result(tag);
        Assert.Equal((2, "3/11/00", true, 4096u), (result.Status, result.SenseCode, result.IsUnderflow, result.Residual));
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Reads_are_parked_while_much_is_unsent_and_nothing_else_is()
    {
        for (var i = 0; i < 20; i++) _session.Read(i * 256, 256);
        Assert.True(_session.Machine.ParkedCount > 0);
        Assert.False(_session.Machine.HasParkedWork);
        Assert.InRange(_session.Machine.UnsentBytes, 1, IscsiLimits.MaxUnsentBytes + IscsiLimits.MaxPieceBytes);
        _session.Send(new NopOutPdu { IsImmediate = true, InitiatorTaskTag = 9, TargetTransferTag = BasicHeader.NoTag, CmdSn = _session.CmdSn });
        _session.Write(0, 1, new byte[512]);
        Assert.Single(_session.Executor.DirectWrites);
        var pdus = _session.Drain();
        Assert.Equal(0, _session.Machine.ParkedCount);
        Assert.Equal(20, pdus.Count(pdu => pdu.Opcode == Opcode.DataIn && pdu.As<DataInPdu>().HasStatus));
        Assert.Contains(pdus, pdu => pdu.Opcode == Opcode.NopIn);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Slow_reads_hold_a_bounded_amount_of_memory()
    {
        _session.Executor.ReadsAreSlow = true;
        for (var i = 0; i < 60; i++) _session.Read(0, 512);
        Assert.InRange(_session.Executor.SlowReads.Count, 1, (IscsiLimits.MaxSlowReadBytes / IscsiLimits.MaxPieceBytes) + 1);
        var ended = 0;
        while (ended < 60)
        {
            Assert.False(_session.Executor.SlowReads.IsEmpty);
            _session.Executor.EndAll();
            ended += _session.Drain().Count(pdu => pdu.As<DataInPdu>().HasStatus);
        }

        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(8, 4096u, false, false, 0u, 4096)]
    [InlineData(8, 8192u, false, true, 4096u, 4096)]
    [InlineData(8, 1024u, true, false, 3072u, 1024)]
    [InlineData(8, 200u, true, false, 3896u, 200)]
    [InlineData(0, 512u, false, true, 512u, 0)]
    public async Task Residuals_are_relative_to_the_expected_length(int blocks, uint edtl, bool overflow, bool underflow, uint residual, int moved)
    {
        foreach (var slow in new[] { false, true })
        {
            var session = new SessionHarness();
            session.Executor.ReadsAreSlow = slow;
            session.Executor.EndsSlowAtOnce = true;
            var result = session.Result(session.Read(0, blocks, edtl));
            Assert.Equal((0, overflow, underflow, residual, moved), (result.Status, result.IsOverflow, result.IsUnderflow, result.Residual, result.Data.Length));
            await session.CloseAsync();
        }
    }

    [Fact]
    public async Task A_read_that_expects_nothing_is_good_with_an_overflow()
    {
        var tag = _session.Command(Testing.ScriptedInitiator.Cdb16(FakeExecutor.Read, 0, 1));
        var response = _session.Only().As<ScsiResponsePdu>();
        Assert.True(response is { ScsiStatus: 0, IsOverflow: true, ResidualCount: 512 } && response.InitiatorTaskTag == tag);
        await _session.CloseAsync();
    }

    [Fact]
    public void An_inquiry_with_write_data_moves_nothing_and_says_so()
    {
        byte[] cdb = [FakeExecutor.Inquiry, 0, 0, 0, 96, .. new byte[11]];
        var tag = _session.Command(cdb, edtl: 4, write: true, data: new byte[4]);
        var response = _session.Only<ScsiResponsePdu>();
        Assert.True(response is { IsOverflow: false, IsUnderflow: true, ResidualCount: 4, ScsiStatus: 0 });
        Assert.Equal(tag, response.InitiatorTaskTag);
    }

    [Fact]
    public async Task A_read_with_write_data_swallows_it_and_moves_nothing()
    {
        // Read10Invalid of the suite: W bit, EDTL, and data in both ways that it may come.
        var tag = _session.Command(Testing.ScriptedInitiator.Cdb16(FakeExecutor.Read, 0, 1), 1024, write: true, final: false, data: new byte[512]);
        _session.AssertSilent();
        _session.DataOut(tag, BasicHeader.NoTag, 0, 512, new byte[512], final: true);
        var response = _session.Only().As<ScsiResponsePdu>();
        Assert.True(response is { ScsiStatus: 0, IsUnderflow: true, IsOverflow: false, ResidualCount: 1024 });
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Digests_cover_header_and_padded_data()
    {
        foreach (var slow in new[] { false, true })
        {
            var session = new SessionHarness(p => p with { HeaderDigest = DigestMethod.Crc32C, DataDigest = DigestMethod.Crc32C });
            session.Executor.ReadsAreSlow = slow;
            session.Executor.EndsSlowAtOnce = true;
            var result = session.Result(session.Read(0, 1, edtl: 201));
            Assert.Equal(session.Executor.Disk.AsSpan(0, 201).ToArray(), result.Data);
            await session.CloseAsync();
        }
    }
}
