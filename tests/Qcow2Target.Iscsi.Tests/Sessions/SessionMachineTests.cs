using System.Text;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Iscsi.Tests.Support;
using Qcow2Target.Testing;

namespace Qcow2Target.Iscsi.Tests.Sessions;

public sealed class SessionMachineTests
{
    private const uint None = BasicHeader.NoTag;

    private readonly SessionHarness _session = new();

    [Fact]
    public async Task Input_may_be_cut_anywhere()
    {
        var data = new byte[512];
        new Random(3).NextBytes(data);
        var stream = _session.Bytes(_session.CommandPdu(ScriptedInitiator.Cdb16(FakeExecutor.Write, 0, 1), 512, false, true, true, 0, 1), data)
            .Concat(_session.Bytes(_session.CommandPdu(ScriptedInitiator.Cdb16(FakeExecutor.Read, 0, 1), 512, true, false, true, 0, 2)))
            .ToArray();
        foreach (var pieces in SplitPoints.Of(stream))
        {
            var session = new SessionHarness(diskBytes: 4096);
            var buffer = new byte[stream.Length + 100];
            var length = 0;
            foreach (var piece in pieces)
            {
                piece.Span.CopyTo(buffer.AsSpan(length));
                length += piece.Length;
                var result = session.Machine.Receive(buffer.AsSpan(0, length));
                Assert.Equal(ReceiveState.NeedInput, result.State);
                buffer.AsSpan(result.Consumed, length - result.Consumed).CopyTo(buffer);
                length -= result.Consumed;
            }

            Assert.Equal(0, length);
            var pdus = session.Drain();
            Assert.Equal([1u, 2u], pdus.Select(pdu => pdu.InitiatorTaskTag));
            Assert.Equal(data, pdus[1].Data);
        }

        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(128)]
    [InlineData(1000000)]
    [InlineData(int.MinValue)]
    public async Task A_command_with_another_number_than_the_expected_one_is_ignored(int distance)
    {
        var pdu = _session.CommandPdu(new byte[16], 0, false, false, true, 0, 5);
        _session.Send(pdu with { CmdSn = pdu.CmdSn + (uint)distance });
        _session.AssertSilent();
        _session.Send(pdu);
        Assert.Equal(51u, _session.Only<ScsiResponsePdu>().ExpCmdSn);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task The_window_closes_with_its_last_slot_and_never_goes_back()
    {
        _session.Executor.ReadsAreSlow = true;
        for (var i = 0; i < IscsiLimits.MaxTasks; i++) _session.Read(0, 1);
        Assert.Equal(IscsiLimits.MaxTasks, _session.Executor.SlowReads.Count);
        _session.TestUnitReady();
        _session.AssertSilent();
        Assert.Equal(IscsiLimits.MaxTasks, _session.Machine.TaskCount);
        _session.CmdSn--;
        var last = 50u + IscsiLimits.MaxTasks - 1;
        for (var i = 1; i <= 3; i++)
        {
            Assert.True(_session.Executor.SlowReads.TryDequeue(out var read));
            _session.Executor.EndRead(read.Task, read.Buffer);
            var header = _session.Only<DataInPdu>();
            Assert.Equal(last + (uint)i, header.MaxCmdSn);
            Assert.Equal(last + 1, header.ExpCmdSn);
        }

        _session.TestUnitReady();
        Assert.Equal(last + 4, _session.Only<ScsiResponsePdu>().MaxCmdSn);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Numbers_wrap_around()
    {
        var session = new SessionHarness(p => p with { ExpCmdSn = 0xFFFF_FFFE, StatSn = 0xFFFF_FFFF });
        for (var i = 0; i < 4; i++) session.TestUnitReady();
        var last = session.Drain()[^1].As<ScsiResponsePdu>();
        Assert.Equal((2u, 2u, 2u + 127), (last.ExpCmdSn, last.StatSn, last.MaxCmdSn));
        await session.CloseAsync();
    }

    [Fact]
    public async Task Immediate_commands_run_without_taking_a_number()
    {
        var pdu = _session.CommandPdu(new byte[16], 0, false, false, true, 0, 5);
        _session.Send(pdu with { IsImmediate = true });
        Assert.Equal(50u, _session.Only<ScsiResponsePdu>().ExpCmdSn);
        _session.Executor.ReadsAreSlow = true;
        for (var i = 0u; i <= IscsiLimits.MaxImmediateTasks; i++)
        {
            _session.Send(_session.CommandPdu(ScriptedInitiator.Cdb16(FakeExecutor.Read, 0, 1), 512, true, false, true, 0, 1000 + i) with { IsImmediate = true });
        }

        Assert.Equal(RejectReason.ImmediateCommandReject, _session.Only<RejectPdu>().Reason);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task A_tag_that_is_in_use_is_rejected()
    {
        _session.Executor.ReadsAreSlow = true;
        var tag = _session.Read(0, 1);
        _session.Command(new byte[16], tag: tag);
        var reject = _session.Only();
        Assert.Equal((RejectReason.TaskInProgress, None, 1000u), (reject.As<RejectPdu>().Reason, reject.InitiatorTaskTag, reject.As<RejectPdu>().StatSn));
        Assert.Equal(tag, BasicHeader.InitiatorTaskTag(reject.Data));
        _session.Executor.EndAll();
        Assert.Equal(tag, _session.Only().InitiatorTaskTag);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Malformed_commands_are_rejected_and_use_their_number_up()
    {
        var cdb = ScriptedInitiator.Cdb16(FakeExecutor.Read, 0, 1);
        Assert.Equal(RejectReason.InvalidPduField, RejectOf(_session.CommandPdu(cdb, 512, true, false, true, 0, None)));
        Assert.Equal(RejectReason.InvalidPduField, RejectOf(_session.CommandPdu(cdb, 512, true, true, true, 0, 1)));
        Assert.Equal(RejectReason.InvalidPduField, RejectOf(_session.CommandPdu(cdb, 512, false, false, true, 0, 1)));
        Assert.Equal(RejectReason.ProtocolError, RejectOf(_session.CommandPdu(cdb, 512, true, false, false, 0, 1)));
        Assert.Equal(RejectReason.ProtocolError, RejectOf(_session.CommandPdu(cdb, 512, true, false, true, 0, 1), new byte[4]));
        Assert.Equal(RejectReason.InvalidPduField, RejectOf(_session.CommandPdu(cdb, 512, true, false, true, 0, 1), additional: [0, 5, 2, 0, 0, 0, 1, 0]));
        Assert.Equal(RejectReason.InvalidPduField, RejectOf(_session.CommandPdu(cdb, 512, true, false, true, 0, 1), additional: [0xFF, 0xFF, 1, 0]));
        Assert.Equal(RejectReason.InvalidPduField, RejectOf(_session.CommandPdu(cdb, 512, true, false, true, 0, 1), additional: [0, 0, 1, 0]));
        _session.TestUnitReady();
        Assert.Equal(0, _session.Only<ScsiResponsePdu>().ScsiStatus);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task An_extended_cdb_reaches_the_executor_whole()
    {
        byte[]? seen = null;
        _session.Executor.OnBegin = task => seen = task.Cdb.ToArray();
        var additional = new byte[] { 0, 17, 1, 0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };
        _session.Send(_session.CommandPdu([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 0, false, false, true, 0, 1), [], additional);
        Assert.Equal(Enumerable.Range(0, 32).Select(i => (byte)i), seen);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Data_from_memory_is_answered_with_residual()
    {
        var cdb = new byte[16];
        (cdb[0], cdb[4]) = (FakeExecutor.Inquiry, 36);
        var result = _session.Result(_session.Command(cdb, 255, read: true));
        Assert.True(result is { IsGood: true, IsUnderflow: true, Residual: 219, Data.Length: 36 });
        result = _session.Result(_session.Command(cdb, 36, read: true));
        Assert.True(result is { IsGood: true, IsUnderflow: false, IsOverflow: false, Data.Length: 36 });
        result = _session.Result(_session.Command(cdb, 4, read: true));
        Assert.True(result is { IsGood: true, IsOverflow: true, Residual: 32, Data.Length: 4 });
        cdb[4] = 0;
        result = _session.Result(_session.Command(cdb, 36, read: true));
        Assert.True(result is { IsGood: true, IsUnderflow: true, Residual: 36, Data.Length: 0 });
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Sense_goes_in_a_response_with_the_whole_length_as_residual()
    {
        var cdb = new byte[16];
        cdb[0] = 0xFE;
        var tag = _session.Command(cdb, 100, read: true);
        var pdu = _session.Only();
        var response = pdu.As<ScsiResponsePdu>();
        Assert.True(response is { ScsiStatus: 2, IsUnderflow: true, ResidualCount: 100, ExpDataSn: 0 } && response.InitiatorTaskTag == tag);
        Assert.Equal(new byte[] { 0, 18 }.Concat(FakeExecutor.InvalidOpcode), pdu.Data);
        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(200000)]
    public async Task A_ping_is_echoed(int length)
    {
        var ping = new byte[length];
        new Random(length).NextBytes(ping);
        _session.Send(new NopOutPdu { Lun = 77, InitiatorTaskTag = 5, TargetTransferTag = None, CmdSn = _session.CmdSn++ }, ping);
        var pdu = _session.Only();
        var nop = pdu.As<NopInPdu>();
        Assert.Equal((77ul, 5u, None, 1000u, 51u), (nop.Lun, nop.InitiatorTaskTag, nop.TargetTransferTag, nop.StatSn, nop.ExpCmdSn));
        Assert.Equal(ping, pdu.Data);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task An_echo_is_no_longer_than_the_initiator_takes()
    {
        var session = new SessionHarness(p => p with { PeerMaxRecvDataSegmentLength = 512 });
        session.Send(new NopOutPdu { IsImmediate = true, InitiatorTaskTag = 5, TargetTransferTag = None }, new byte[1000]);
        Assert.Equal(512, session.Only().Data.Length);
        await session.CloseAsync();
    }

    [Fact]
    public async Task Our_ping_asks_for_an_answer_and_counts_it()
    {
        _session.Machine.SendPing();
        _session.Machine.SendPing();
        Assert.Equal(2, _session.OutputReadyCount);
        var pings = _session.Drain().ConvertAll(pdu => pdu.As<NopInPdu>());
        Assert.All(pings, ping => Assert.Equal((None, 1000u), (ping.InitiatorTaskTag, ping.StatSn)));
        Assert.NotEqual(pings[0].TargetTransferTag, pings[1].TargetTransferTag);
        Assert.Equal(2, _session.Machine.UnansweredPings);
        _session.Send(new NopOutPdu { IsImmediate = true, InitiatorTaskTag = None, TargetTransferTag = None });
        Assert.Equal(2, _session.Machine.UnansweredPings);
        _session.Send(new NopOutPdu { IsImmediate = true, InitiatorTaskTag = None, TargetTransferTag = pings[1].TargetTransferTag });
        Assert.Equal(0, _session.Machine.UnansweredPings);
        _session.AssertSilent();
        await _session.CloseAsync();
    }

    [Fact]
    public async Task An_async_message_carries_its_sense()
    {
        _session.Machine.SendAsyncMessage(AsyncEvent.Scsi, SessionHarness.Lun1, [1, 2, 3]);
        _session.Machine.SendAsyncMessage(AsyncEvent.LogoutRequest, 0, [], parameter3: 10);
        var pdus = _session.Drain();
        Assert.Equal([0, 3, 1, 2, 3], pdus[0].Data);
        var message = pdus[1].As<AsyncMessagePdu>();
        Assert.Equal((AsyncEvent.LogoutRequest, (ushort)10, None, 1001u), (message.Event, message.Parameter3, message.InitiatorTaskTag, message.StatSn));
        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(Opcode.LoginRequest, RejectReason.ProtocolError)]
    [InlineData(Opcode.SnackRequest, RejectReason.SnackReject)]
    [InlineData(Opcode.NopIn, RejectReason.CommandNotSupported)]
    [InlineData((Opcode)0x1F, RejectReason.CommandNotSupported)]
    public async Task What_has_no_place_here_is_rejected_with_its_header(Opcode opcode, RejectReason reason)
    {
        var pdu = new byte[48];
        pdu[0] = (byte)opcode;
        pdu[30] = 99;
        _session.Machine.Receive(pdu);
        var reject = _session.Only();
        Assert.Equal(reason, reject.As<RejectPdu>().Reason);
        Assert.Equal(pdu, reject.Data);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Logout_ends_the_tasks_and_responds_last_when_the_owner_says_so()
    {
        _session.Executor.WritesAreSlow = true;
        _session.Write(0, 1, new byte[512]);
        _session.Executor.ReadsAreSlow = true;
        _session.Read(0, 1);
        var answered = _session.TestUnitReady();
        var result = Logout(LogoutReason.CloseSession, 0);
        Assert.Equal(ReceiveState.Ended, result.State);
        var logout = Assert.Single(_session.Logouts);
        Assert.False(logout.Quiet.IsCompleted);
        Assert.Equal(0, _session.Machine.TaskCount);
        Assert.Equal(ReceiveState.Ended, _session.Machine.Receive(new byte[48]).State);
        _session.Executor.EndAll();
        await logout.Quiet.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.False(_session.Machine.IsFinished);
        logout.Respond(LogoutResponseCode.Success);
        _session.Machine.SendPing();
        Assert.False(_session.Machine.IsFinished);
        var pdus = _session.Drain();
        Assert.Equal([answered, 9u], pdus.Select(pdu => pdu.InitiatorTaskTag));
        Assert.Equal(LogoutResponseCode.Success, pdus[1].As<LogoutResponsePdu>().Response);
        Assert.True(_session.Machine.IsFinished);
        Assert.Null(_session.Machine.Fault);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Logout_of_another_connection_or_for_recovery_is_refused_and_the_session_goes_on()
    {
        Logout(LogoutReason.CloseConnection, 8);
        Assert.Equal(LogoutResponseCode.ConnectionNotFound, _session.Only<LogoutResponsePdu>().Response);
        Logout(LogoutReason.RemoveForRecovery, 7);
        Assert.Equal(LogoutResponseCode.RecoveryNotSupported, _session.Only<LogoutResponsePdu>().Response);
        Assert.Empty(_session.Logouts);
        Logout(LogoutReason.CloseConnection, 7);
        Assert.Single(_session.Logouts);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task A_segment_longer_than_declared_ends_the_connection_after_what_was_answered()
    {
        _session.TestUnitReady();
        var pdu = new byte[48];
        pdu[5] = 0x10;
        var result = _session.Machine.Receive(pdu);
        Assert.Equal(ReceiveState.Ended, result.State);
        Assert.Equal(new SessionFault(SessionFaultReason.DataSegmentTooLong, 0, 1 << 20), _session.Machine.Fault);
        Assert.False(_session.Machine.IsFinished);
        Assert.Equal(Opcode.ScsiResponse, _session.Only().Opcode);
        Assert.True(_session.Machine.IsFinished);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task A_broken_header_digest_ends_the_connection()
    {
        var session = new SessionHarness(p => p with { HeaderDigest = DigestMethod.Crc32C });
        var pdu = session.Bytes(session.CommandPdu(new byte[16], 0, false, false, true, 0, 1));
        pdu[20] ^= 0x40;
        session.Machine.Receive(pdu);
        Assert.Equal(SessionFaultReason.HeaderDigest, session.Machine.Fault!.Reason);
        session.AssertSilent();
        await session.CloseAsync();
    }

    [Fact]
    public async Task A_command_with_broken_immediate_data_ends_the_connection_and_a_broken_ping_does_not()
    {
        var session = new SessionHarness(p => p with { DataDigest = DigestMethod.Crc32C });
        var ping = session.Bytes(new NopOutPdu { IsImmediate = true, InitiatorTaskTag = 5, TargetTransferTag = None }, new byte[5]);
        ping[^1] ^= 1;
        session.Machine.Receive(ping);
        Assert.Equal(RejectReason.DataDigestError, session.Only<RejectPdu>().Reason);
        var write = session.Bytes(session.CommandPdu(ScriptedInitiator.Cdb16(FakeExecutor.Write, 0, 1), 512, false, true, true, 0, 1), new byte[512]);
        write[^5] ^= 1;
        session.Machine.Receive(write);
        Assert.Equal(SessionFaultReason.DataDigest, session.Machine.Fault!.Reason);
        Assert.Empty(session.Executor.DirectWrites);
        await session.CloseAsync();
    }

    [Fact]
    public async Task An_initiator_that_never_reads_is_cut_off()
    {
        var ping = _session.Bytes(new NopOutPdu { IsImmediate = true, InitiatorTaskTag = 5, TargetTransferTag = None }, new byte[262144]);
        var fed = 0L;
        while (_session.Machine.Receive(ping).State != ReceiveState.Ended) Assert.True((fed += ping.Length) < 64 << 20);
        Assert.Equal(SessionFaultReason.OutputOverflow, _session.Machine.Fault!.Reason);
        Assert.True(_session.Machine.IsFinished);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task An_initiator_of_which_nothing_can_be_taken_is_cut_off()
    {
        var lost = _session.Bytes(new DataOutPdu { InitiatorTaskTag = 5, TargetTransferTag = 1, IsFinal = true }, new byte[512]);
        Reject(IscsiLimits.MaxRejectsInARow - 1);
        _session.TestUnitReady();
        Reject(IscsiLimits.MaxRejectsInARow - 1);
        Assert.Null(_session.Machine.Fault);
        Reject(1);
        Assert.Equal(new SessionFault(SessionFaultReason.TooManyRejects, (byte)Opcode.DataOut, (long)RejectReason.InvalidPduField), _session.Machine.Fault);
        Assert.Equal(2 * IscsiLimits.MaxRejectsInARow - 1, _session.Drain().Count(pdu => pdu.Opcode == Opcode.Reject));
        await _session.CloseAsync();

        void Reject(int times)
        {
            for (var i = 0; i < times; i++) _session.Machine.Receive(lost);
        }
    }

    [Fact]
    public async Task Close_waits_for_every_operation_and_drops_the_output()
    {
        _session.TestUnitReady();
        _session.Executor.ReadsAreSlow = _session.Executor.WritesAreSlow = true;
        _session.Read(0, 1);
        _session.Write(0, 1, new byte[512]);
        _session.Flush();
        _session.Machine.Close();
        _session.Machine.Close();
        Assert.True(_session.Machine.IsFinished);
        Assert.False(_session.Machine.TryPeekOutput(out _));
        Assert.False(_session.Machine.Completion.IsCompleted);
        Assert.Equal(ReceiveState.Ended, _session.Machine.Receive(new byte[48]).State);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Send_targets_shows_the_own_target_only()
    {
        _session.Targets.Add(new TargetRecord("iqn.other:target", ["192.0.2.1:3260,1"]));
        foreach (var value in new[] { "", "All", SessionHarness.TargetName, SessionHarness.TargetName.ToUpperInvariant() })
        {
            Text($"SendTargets={value}\0");
            var pdu = _session.Only();
            var response = pdu.As<TextResponsePdu>();
            Assert.True(response is { IsFinal: true, IsContinued: false, TargetTransferTag: None });
            Assert.Equal($"TargetName={SessionHarness.TargetName}\0TargetAddress=192.0.2.1:3260,1\0TargetAddress=[2001:db8::1]:3260,1\0", Encoding.UTF8.GetString(pdu.Data));
        }

        foreach (var text in new[] { "SendTargets=Alle\0", "SendTargets=A\0", "SendTargets=iqn.other:target\0", "sendtargets=All\0", "Foo=bar\0", "SendTargets=All" })
        {
            Text(text);
            Assert.Equal(RejectReason.ProtocolError, _session.Only<RejectPdu>().Reason);
        }

        Text("SendTargets=\0Foo=bar\0");
        Assert.EndsWith("Foo=NotUnderstood\0", Encoding.UTF8.GetString(_session.Only().Data), StringComparison.Ordinal);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task A_new_segment_length_counts_for_reads_from_then_on()
    {
        Text("MaxRecvDataSegmentLength=512\0");
        Assert.Empty(_session.Only().Data);
        _session.Read(0, 3);
        Assert.Equal(3, _session.Drain().Count);
        Text("MaxRecvDataSegmentLength=5\0");
        Assert.Equal("MaxRecvDataSegmentLength=Reject\0", Encoding.UTF8.GetString(_session.Only().Data));
        await _session.CloseAsync();
    }

    private void Text(string text) => _session.Send(
        new TextRequestPdu { IsFinal = true, InitiatorTaskTag = _session.NextTag(), TargetTransferTag = None, CmdSn = _session.CmdSn++ },
        Encoding.UTF8.GetBytes(text));

    private ReceiveResult Logout(LogoutReason reason, ushort connection)
        => _session.Send(new LogoutRequestPdu { IsImmediate = true, Reason = reason, ConnectionId = connection, InitiatorTaskTag = 9, CmdSn = _session.CmdSn });

    private RejectReason RejectOf(ScsiCommandPdu pdu, byte[]? data = null, byte[]? additional = null)
    {
        _session.Send(pdu, data, additional);
        return _session.Only<RejectPdu>().Reason;
    }
}
