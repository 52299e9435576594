using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Tests.Support;

namespace Qcow2Target.Iscsi.Tests.Sessions;

/// <summary>Sessions whose numbers go through 2^32 (RFC 7143 4.2.2: serial number arithmetic), with the window full on the way.</summary>
public sealed class SequenceWrapTests
{
    private const uint Start = 0xFFFF_FFF0;
    private const int Window = IscsiLimits.MaxTasks;

    private readonly SessionHarness _session = new(p => p with { ExpCmdSn = Start, StatSn = Start, MaxOutstandingR2T = 2, InitialR2T = true, ImmediateData = false });

    [Fact]
    public async Task A_full_window_over_the_wrap_is_taken_whole_and_not_one_more()
    {
        _session.Executor.ReadsAreSlow = true;
        for (var i = 0; i < Window; i++) _session.Read(0, 1);
        Assert.Equal(Window, _session.Machine.TaskCount);
        _session.TestUnitReady();
        Assert.Equal(Window, _session.Machine.TaskCount);
        _session.CmdSn--;
        var statSn = Start;
        for (var i = 0u; i < Window; i++)
        {
            Assert.True(_session.Executor.SlowReads.TryDequeue(out var read));
            _session.Executor.EndRead(read.Task, read.Buffer);
            var answer = _session.Only<DataInPdu>();
            Assert.Equal((statSn++, unchecked(Start + Window), unchecked(Start + Window + i)), (answer.StatSn, answer.ExpCmdSn, answer.MaxCmdSn));
        }

        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(0xFFFF_FFFFu)]
    [InlineData(0u)]
    [InlineData(15u)]
    public async Task Numbers_before_the_wrap_are_old_ones_behind_it(uint seen)
    {
        while (_session.CmdSn != seen) _session.TestUnitReady();
        _session.Drain();
        foreach (var old in new[] { Start, unchecked(seen - 1), unchecked(seen + 1), unchecked(seen + Window), unchecked(seen - 0x8000_0000) })
        {
            _session.Send(_session.CommandPdu(new byte[16], 0, false, false, true, 0, 9) with { CmdSn = old });
            _session.AssertSilent();
        }

        _session.CmdSn = seen;
        _session.TestUnitReady();
        Assert.Equal(unchecked(seen + 1), _session.Only<ScsiResponsePdu>().ExpCmdSn);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task A_reset_sent_behind_the_wrap_ends_what_was_sent_before_it_and_nothing_later()
    {
        _session.Executor.ReadsAreSlow = true;
        for (var i = 0; i < 20; i++) _session.Read(0, 1);
        Assert.True(_session.CmdSn < Start);
        var later = _session.Read(0, 1);
        Assert.Equal(20, _session.Machine.AbortTasks(Iscsi.Sessions.TaskFilter.All.Before(_session.CmdSn - 1)).Count);
        _session.Executor.EndAll();
        Assert.Equal([later], _session.Drain().Where(pdu => pdu.Opcode == Opcode.DataIn).Select(pdu => pdu.InitiatorTaskTag));
        await _session.CloseAsync();
    }

    [Fact]
    public async Task A_write_whose_answers_go_through_the_wrap_has_r2ts_that_do_not_take_a_number()
    {
        while (_session.CmdSn != 0xFFFF_FFFE) _session.TestUnitReady();
        _session.Drain();
        var writes = new[] { _session.Write(0, 1024), _session.Write(2048, 1024), _session.Write(4096, 1024) };
        var r2ts = _session.Drain();
        Assert.Equal(6, r2ts.Count);
        Assert.All(r2ts, r2t => Assert.Equal(0xFFFF_FFFEu, r2t.As<ReadyToTransferPdu>().StatSn));
        foreach (var r2t in r2ts)
        {
            var asked = r2t.As<ReadyToTransferPdu>();
            _session.DataOut(r2t.InitiatorTaskTag, asked.TargetTransferTag, 0, asked.BufferOffset, new byte[asked.DesiredDataTransferLength], final: true);
        }

        var ends = _session.Drain();
        Assert.Equal(writes, ends.Select(pdu => pdu.InitiatorTaskTag));
        Assert.Equal([0xFFFF_FFFEu, 0xFFFF_FFFFu, 0u], ends.Select(pdu => pdu.As<ScsiResponsePdu>().StatSn));
        Assert.All(ends, pdu => Assert.Equal(0, pdu.As<ScsiResponsePdu>().ScsiStatus));
        await _session.CloseAsync();
    }
}
