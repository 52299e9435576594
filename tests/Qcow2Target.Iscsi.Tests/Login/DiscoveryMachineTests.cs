using System.Text;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sessions;

namespace Qcow2Target.Iscsi.Tests.Login;

public sealed class DiscoveryMachineTests : ITargetDirectory
{
    private const uint None = BasicHeader.NoTag;

    private readonly List<TargetRecord> _targets = [new("iqn.a:One", ["192.0.2.1:3260,1"]), new("iqn.a:two", ["192.0.2.1:3260,1", "[2001:db8::1]:3260,1"])];
    private readonly DiscoveryMachine _machine;
    private uint _cmdSn = 5;

    public DiscoveryMachineTests() => _machine = Machine(8192);

    public IReadOnlyList<TargetRecord> All(string initiatorName) => _targets;

    public TargetRecord? Find(string initiatorName, string targetName) => _targets.Find(target => IscsiName.Equal(target.Name, targetName));

    [Theory]
    [InlineData("All", "TargetName=iqn.a:One\0TargetAddress=192.0.2.1:3260,1\0TargetName=iqn.a:two\0TargetAddress=192.0.2.1:3260,1\0TargetAddress=[2001:db8::1]:3260,1\0")]
    [InlineData("iqn.A:ONE", "TargetName=iqn.a:One\0TargetAddress=192.0.2.1:3260,1\0")]
    [InlineData("iqn.a:three", "")]
    public void Send_targets_shows_all_or_one_or_none(string value, string answer)
    {
        var (header, data) = Text($"SendTargets={value}\0");
        var response = TextResponsePdu.Parse(header);
        Assert.True(response is { IsFinal: true, IsContinued: false, TargetTransferTag: None, StatSn: 9, ExpCmdSn: 6, MaxCmdSn: 6 + 127 });
        Assert.Equal(answer, Encoding.UTF8.GetString(data));
    }

    [Theory]
    [InlineData("SendTargets=\0")]
    [InlineData("SENDTARGETS=All\0")]
    [InlineData("Foo=All\0")]
    [InlineData("no pair\0")]
    [InlineData("SendTargets=All\0SendTargets=All\0")]
    [InlineData("SendTargets=iqn.a:one\0MaxRecvDataSegmentLength=8192\0SendTargets=iqn.a:two\0")]
    public void What_cannot_be_answered_is_rejected(string text)
    {
        var (header, data) = Text(text);
        Assert.Equal(RejectReason.ProtocolError, RejectPdu.Parse(header).Reason);
        Assert.Equal(48, data.Length);
    }

    /// <summary>One response with all of it is what libiscsi needs, which declares 262144 and cannot put pieces together.</summary>
    [Theory]
    [InlineData(512)]
    [InlineData(8192)]
    [InlineData(262144)]
    public void A_thousand_targets_are_told_in_pieces_of_what_the_initiator_takes(int segment)
    {
        _targets.Clear();
        for (var i = 0; i < 1000; i++) _targets.Add(new($"iqn.a:target-{i:D3}", ["192.0.2.1:3260,1"]));
        var expected = string.Concat(_targets.Select(target => $"TargetName={target.Name}\0TargetAddress={target.Addresses[0]}\0"));
        var machine = Machine(segment);
        var answer = new StringBuilder();
        var (header, data) = Text("SendTargets=All\0", machine: machine);
        var pieces = 1;
        for (; !TextResponsePdu.Parse(header).IsFinal; pieces++)
        {
            var response = TextResponsePdu.Parse(header);
            Assert.True(response.IsContinued && response.TargetTransferTag != None && data.Length == segment);
            answer.Append(Encoding.UTF8.GetString(data));
            (header, data) = Text("", response.TargetTransferTag, machine: machine);
        }

        Assert.True(TextResponsePdu.Parse(header) is { IsContinued: false, TargetTransferTag: None });
        Assert.InRange(data.Length, 1, segment);
        answer.Append(Encoding.UTF8.GetString(data));
        Assert.Equal(expected, answer.ToString());
        Assert.Equal((expected.Length + segment - 1) / segment, pieces);
    }

    [Fact]
    public void A_request_over_several_pdus_is_put_together()
    {
        var (header, data) = Text("SendTar", isContinued: true);
        var response = TextResponsePdu.Parse(header);
        Assert.True(response is { IsFinal: false, IsContinued: false } && response.TargetTransferTag != None && data.Length == 0);
        (_, data) = Text("gets=iqn.a:one\0", response.TargetTransferTag);
        Assert.StartsWith("TargetName=iqn.a:One\0", Encoding.UTF8.GetString(data), StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_transfer_tag_is_rejected_and_a_new_negotiation_drops_the_old_one()
    {
        Assert.Equal(RejectReason.InvalidPduField, RejectPdu.Parse(Text("", 77).Header).Reason);
        var old = TextResponsePdu.Parse(Text("SendTar", isContinued: true).Header).TargetTransferTag;
        Text("SendTargets=All\0");
        Assert.Equal(RejectReason.InvalidPduField, RejectPdu.Parse(Text("gets=All\0", old).Header).Reason);
    }

    [Fact]
    public void A_negotiation_without_f_stays_open()
    {
        var (header, data) = Text("SendTargets=iqn.a:one\0", isFinal: false);
        var response = TextResponsePdu.Parse(header);
        Assert.True(!response.IsFinal && response.TargetTransferTag != None && data.Length > 0);
        (header, data) = Text("", response.TargetTransferTag);
        Assert.True(TextResponsePdu.Parse(header).IsFinal && data.Length == 0);
    }

    [Fact]
    public void A_key_comes_once_in_a_negotiation_and_again_in_the_next()
    {
        var open = TextResponsePdu.Parse(Text("SendTargets=All\0", isFinal: false).Header);
        Assert.Equal(RejectReason.ProtocolError, RejectPdu.Parse(Text("SendTargets=All\0", open.TargetTransferTag).Header).Reason);
        Assert.True(TextResponsePdu.Parse(Text("SendTargets=All\0").Header).IsFinal);
    }

    [Fact]
    public void Who_says_nothing_that_can_be_answered_is_cut_off()
    {
        for (var i = 1; i < IscsiLimits.MaxRejectsInARow; i++) Text("Foo=All\0");
        Text("SendTargets=All\0");
        for (var i = 1; i < IscsiLimits.MaxRejectsInARow; i++) Text("Foo=All\0");
        Assert.Null(_machine.Fault);
        Text("Foo=All\0");
        Assert.Equal(SessionFaultReason.TooManyRejects, _machine.Fault!.Reason);
        Assert.True(_machine.IsFinished);
    }

    [Fact]
    public void Text_without_end_is_rejected()
    {
        var tag = None;
        for (var sent = 0; sent <= IscsiLimits.MaxTextBytes; sent += 8000)
        {
            var (header, _) = Text(new string('a', 8000), tag, isContinued: true);
            if (BasicHeader.Opcode(header) == Opcode.Reject)
            {
                Assert.Equal(RejectReason.LongOperationReject, RejectPdu.Parse(header).Reason);
                return;
            }

            tag = TextResponsePdu.Parse(header).TargetTransferTag;
        }

        Assert.Fail("nothing was rejected");
    }

    [Fact]
    public void Pings_are_answered_and_commands_rejected()
    {
        var (header, data) = Send(new NopOutPdu { IsImmediate = true, InitiatorTaskTag = 1, TargetTransferTag = None }, [1, 2, 3]);
        Assert.Equal((1u, 9u), (NopInPdu.Parse(header).InitiatorTaskTag, NopInPdu.Parse(header).StatSn));
        Assert.Equal([1, 2, 3], data);
        Assert.Equal(RejectReason.ProtocolError, RejectPdu.Parse(Send(new ScsiCommandPdu { CmdSn = _cmdSn }, []).Header).Reason);
        Assert.Equal(RejectReason.CommandNotSupported, RejectPdu.Parse(Send(new NopOutPdu { IsImmediate = true }, [], pdu => pdu[0] = 0x1E).Header).Reason);
    }

    [Fact]
    public void Logout_is_the_last_response()
    {
        Send(new LogoutRequestPdu { IsImmediate = true, Reason = LogoutReason.RemoveForRecovery, InitiatorTaskTag = 1 }, []);
        Assert.False(_machine.IsFinished);
        var (header, _) = Send(new LogoutRequestPdu { IsImmediate = true, Reason = LogoutReason.CloseSession, InitiatorTaskTag = 1 }, []);
        Assert.Equal(LogoutResponseCode.Success, LogoutResponsePdu.Parse(header).Response);
        Assert.True(_machine.IsFinished);
        Assert.Equal(ReceiveState.Ended, _machine.Receive(new byte[48]).State);
    }

    [Fact]
    public void A_segment_that_is_too_long_ends_the_connection()
    {
        var pdu = new byte[48];
        pdu[5] = 1;
        Assert.Equal(ReceiveState.Ended, _machine.Receive(pdu).State);
        Assert.Equal(SessionFaultReason.DataSegmentTooLong, _machine.Fault!.Reason);
        Assert.True(_machine.IsFinished);
    }

    private DiscoveryMachine Machine(int peerSegment) => new(
        new SessionParameters
        {
            SessionType = SessionType.Discovery,
            InitiatorName = "iqn.test:initiator",
            TargetName = "",
            Isid = 1,
            Tsih = 1,
            ConnectionId = 0,
            PortalGroupTag = 1,
            PeerMaxRecvDataSegmentLength = peerSegment,
            ExpCmdSn = 5,
            StatSn = 9,
        },
        this);

    private (byte[] Header, byte[] Data) Text(
        string text, uint transferTag = None, bool isContinued = false, bool isFinal = true, DiscoveryMachine? machine = null)
        => Send(
            new TextRequestPdu { IsFinal = isFinal && !isContinued, IsContinued = isContinued, InitiatorTaskTag = 3, TargetTransferTag = transferTag, CmdSn = _cmdSn++ },
            Encoding.UTF8.GetBytes(text),
            machine: machine);

    private (byte[] Header, byte[] Data) Send<TPdu>(TPdu pdu, byte[] data, Action<byte[]>? spoil = null, DiscoveryMachine? machine = null)
        where TPdu : struct, IPdu<TPdu>
    {
        machine ??= _machine;
        var bytes = new byte[DigestUse.None.PduBytes(data.Length)];
        PduWriter.Write(pdu, data, bytes, DigestUse.None);
        spoil?.Invoke(bytes);
        Assert.Equal(bytes.Length, machine.Receive(bytes).Consumed);
        Assert.True(machine.TryPeekOutput(out var output));
        Assert.Equal(ScanState.Complete, new PduScanner(DigestUse.None, 1 << 20, 0).Scan(output.Span, out var frame));
        var answer = (frame.Header.ToArray(), frame.Data.ToArray());
        Assert.Equal(output.Length, frame.Length);
        machine.Advance(output.Length);
        return answer;
    }
}
