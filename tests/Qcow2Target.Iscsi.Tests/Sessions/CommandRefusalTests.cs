using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Iscsi.Tests.Support;

namespace Qcow2Target.Iscsi.Tests.Sessions;

/// <summary>What the machine itself refuses of commands, functions and logouts, where no other test class has it.</summary>
public sealed class CommandRefusalTests
{
    private readonly SessionHarness _session = new();

    [Fact]
    public async Task The_attribute_aca_without_such_a_condition_is_an_invalid_message()
    {
        var pdu = _session.CommandPdu(new byte[16], 0, false, false, true, 0, 5) with { Attribute = TaskAttribute.Aca };
        _session.Send(pdu);
        Assert.Equal("5/49/00", _session.Result(5).SenseCode);
        Assert.Equal(0, _session.Executor.Begun);
        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(5)]
    [InlineData(7)]
    public async Task A_reserved_attribute_is_an_invalid_field(byte attribute)
    {
        _session.Send(_session.CommandPdu(new byte[16], 0, false, false, true, 0, 5) with { Attribute = (TaskAttribute)attribute });
        Assert.Equal(RejectReason.InvalidPduField, _session.Only<RejectPdu>().Reason);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task What_the_transport_finds_is_told_in_the_format_that_the_unit_is_set_to()
    {
        var session = new SessionHarness(p => p with { ImmediateData = false });
        session.Executor.DescriptorSense = true;
        session.Write(0, 1, new byte[512]);
        Assert.Equal(new byte[] { 0, 8, 0x72, 0x0B, 0x0C, 0x0C, 0, 0, 0, 0 }, session.Only().Data);
        await session.CloseAsync();
    }

    [Fact]
    public async Task A_logout_for_no_known_reason_is_an_invalid_field()
    {
        _session.Send(new LogoutRequestPdu { IsImmediate = true, Reason = (LogoutReason)3, ConnectionId = 7, InitiatorTaskTag = 9, CmdSn = _session.CmdSn });
        Assert.Equal(RejectReason.InvalidPduField, _session.Only<RejectPdu>().Reason);
        Assert.Empty(_session.Logouts);
        await _session.CloseAsync();
    }

    [Fact]
    public async Task Abort_of_a_command_that_never_came_takes_its_number_as_received()
    {
        var missing = _session.CmdSn++;
        _session.TestUnitReady();
        _session.AssertSilent();
        Abort(tag: 4711, refCmdSn: missing, cmdSn: _session.CmdSn);
        var response = _session.Only<TaskManagementResponsePdu>();
        Assert.Equal((TaskManagementResponse.Complete, missing + 1), (response.Response, response.ExpCmdSn));
        _session.CmdSn--;
        _session.TestUnitReady();
        Assert.Equal(missing + 2, _session.Only<ScsiResponsePdu>().ExpCmdSn);
        Assert.Empty(_session.Executor.Requests);
        await _session.CloseAsync();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    [InlineData(1000)]
    public void Abort_of_a_number_that_came_or_cannot_come_is_left_to_the_owner(int distance)
    {
        Abort(tag: 4711, refCmdSn: (uint)(_session.CmdSn + distance), cmdSn: _session.CmdSn + 4);
        Assert.Single(_session.Executor.Requests);
    }

    [Fact]
    public async Task Sequences_of_two_r2ts_of_one_write_that_are_mixed_never_end_good()
    {
        var session = new SessionHarness(p => p with { InitialR2T = true, ImmediateData = false, MaxOutstandingR2T = 2, MaxBurstLength = 512 });
        var tag = session.Write(0, 2);
        var r2ts = session.Drain().ConvertAll(pdu => pdu.As<ReadyToTransferPdu>());
        Assert.Equal([0u, 1u], r2ts.Select(r2t => r2t.R2TSn));
        session.DataOut(tag, r2ts[1].TargetTransferTag, 0, 512, new byte[512], final: true);
        session.AssertSilent();
        session.DataOut(tag, r2ts[0].TargetTransferTag, 0, 0, new byte[512], final: true);
        var result = session.Result(tag);
        Assert.Equal((2, "B/47/05"), (result.Status, result.SenseCode));
        await session.CloseAsync();
    }

    [Fact]
    public async Task Sequences_of_two_writes_may_be_mixed_pdu_by_pdu()
    {
        var session = new SessionHarness(p => p with { InitialR2T = true, ImmediateData = false });
        uint[] tags = [session.Write(0, 2), session.Write(8, 2)];
        var r2ts = session.Drain().ConvertAll(pdu => pdu.As<ReadyToTransferPdu>());
        for (var half = 0u; half < 2; half++)
        {
            for (var i = 1; i >= 0; i--)
                session.DataOut(tags[i], r2ts[i].TargetTransferTag, half, half * 512, Enumerable.Repeat((byte)(i + 1), 512).ToArray(), final: half == 1);
        }

        Assert.Equal([tags[1], tags[0]], session.Drain().Select(pdu => pdu.InitiatorTaskTag));
        Assert.All(session.Executor.Disk[..1024], value => Assert.Equal(1, value));
        Assert.All(session.Executor.Disk[4096..5120], value => Assert.Equal(2, value));
        await session.CloseAsync();
    }

    private void Abort(uint tag, uint refCmdSn, uint cmdSn) => _session.Send(new TaskManagementRequestPdu
    {
        IsImmediate = true,
        Function = TaskManagementFunction.AbortTask,
        InitiatorTaskTag = _session.NextTag(),
        ReferencedTaskTag = tag,
        RefCmdSn = refCmdSn,
        CmdSn = cmdSn,
    });
}
