using System.Buffers;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sessions;
using Qcow2Target.Iscsi.Text;

namespace Qcow2Target.Iscsi.Login;

/// <summary>Full-feature phase of a discovery session: SendTargets, Logout, NOP; everything else is rejected. One thread at a time.</summary>
public sealed class DiscoveryMachine
{
    private readonly DigestUse _digests;
    private readonly PduScanner _scanner;
    private readonly TextExchange _text;
    private readonly SessionParameters _parameters;
    private readonly ArrayBufferWriter<byte> _output = new();
    private int _sent;
    private uint _expCmdSn;
    private uint _statSn;
    private int _rejects;
    private bool _isOver;

    public DiscoveryMachine(SessionParameters parameters, ITargetDirectory directory)
    {
        _parameters = parameters;
        _digests = new DigestUse(parameters.HeaderDigest, parameters.DataDigest);
        _scanner = new PduScanner(_digests, IscsiLimits.MaxLoginSegmentBytes, maxAdditionalHeaderBytes: 0);
        _text = new TextExchange(parameters, directory);
        _expCmdSn = parameters.ExpCmdSn;
        _statSn = parameters.StatSn;
    }

    /// <summary>True when the Logout Response, or what preceded a fault, has been sent: close.</summary>
    public bool IsFinished => _isOver && _sent == _output.WrittenCount;

    public SessionFault? Fault { get; private set; }

    /// <summary>As <see cref="SessionMachine.Receive"/>.</summary>
    public ReceiveResult Receive(ReadOnlySpan<byte> input)
    {
        var consumed = 0;
        while (!_isOver)
        {
            if (_output.WrittenCount - _sent >= IscsiLimits.DiscoveryFlushBytes) return new ReceiveResult(consumed, ReceiveState.FlushOutput);
            switch (_scanner.Scan(input[consumed..], out var frame))
            {
                case ScanState.NeedMore:
                    return new ReceiveResult(consumed, ReceiveState.NeedInput);
                case ScanState.Broken:
                    Fault = SessionFault.From(_scanner, input[consumed..]);
                    _isOver = true;
                    break;
                default:
                    consumed += frame.Length;
                    Handle(frame);
                    break;
            }
        }

        return new ReceiveResult(consumed, ReceiveState.Ended);
    }

    /// <summary>As <see cref="SessionMachine.TryPeekOutput"/>.</summary>
    public bool TryPeekOutput(out ReadOnlyMemory<byte> bytes)
    {
        bytes = _output.WrittenMemory[_sent..];
        return bytes.Length > 0;
    }

    /// <summary>As <see cref="SessionMachine.Advance"/>.</summary>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _output.WrittenCount - _sent);
        _sent += count;
        if (_sent < _output.WrittenCount) return;
        _output.ResetWrittenCount();
        _sent = 0;
    }

    private void Handle(in PduFrame frame)
    {
        if (!frame.DataDigestHolds)
        {
            Reject(frame, RejectReason.DataDigestError);
            return;
        }

        if (frame.Opcode is Opcode.NopOut or Opcode.TextRequest or Opcode.LogoutRequest && !frame.IsImmediate)
        {
            // What lies outside the window is ignored without a word (RFC 7143 4.2.2.1).
            if (BasicHeader.CmdSn(frame.Header) != _expCmdSn) return;
            _expCmdSn++;
        }

        switch (frame.Opcode)
        {
            case Opcode.NopOut:
                var ping = NopOutPdu.Parse(frame.Header);
                if (ping.InitiatorTaskTag == BasicHeader.NoTag) return;
                var echo = frame.Data[..Math.Min(frame.Data.Length, _text.PeerMaxRecvDataSegmentLength)];
                Send(new NopInPdu { Lun = ping.Lun, InitiatorTaskTag = ping.InitiatorTaskTag, TargetTransferTag = BasicHeader.NoTag, StatSn = _statSn++, ExpCmdSn = _expCmdSn, MaxCmdSn = MaxCmdSn }, echo);
                break;
            case Opcode.TextRequest:
                var answer = _text.Take(TextRequestPdu.Parse(frame.Header), frame.Data);
                if (answer.Rejected is { } reason) Reject(frame, reason);
                else Send(answer.Response with { StatSn = _statSn++, ExpCmdSn = _expCmdSn, MaxCmdSn = MaxCmdSn }, answer.Text);
                break;
            case Opcode.LogoutRequest:
                var logout = LogoutRequestPdu.Parse(frame.Header);
                if (Enum.IsDefined(logout.Reason)) Logout(logout);
                else Reject(frame, RejectReason.InvalidPduField);
                break;
            default:
                Reject(frame, Enum.IsDefined(frame.Opcode) ? RejectReason.ProtocolError : RejectReason.CommandNotSupported);
                break;
        }
    }

    private uint MaxCmdSn => _expCmdSn + IscsiLimits.MaxTasks - 1;

    private void Logout(in LogoutRequestPdu request)
    {
        var response = request.Reason switch
        {
            LogoutReason.CloseSession => LogoutResponseCode.Success,
            LogoutReason.CloseConnection when request.ConnectionId == _parameters.ConnectionId => LogoutResponseCode.Success,
            LogoutReason.CloseConnection => LogoutResponseCode.ConnectionNotFound,
            _ => LogoutResponseCode.RecoveryNotSupported,
        };
        Send(new LogoutResponsePdu
        {
            Response = response,
            InitiatorTaskTag = request.InitiatorTaskTag,
            StatSn = _statSn++,
            ExpCmdSn = _expCmdSn,
            MaxCmdSn = MaxCmdSn,
        }, []);
        _isOver = response == LogoutResponseCode.Success;
    }

    private void Reject(in PduFrame frame, RejectReason reason)
    {
        Put(new RejectPdu { Reason = reason, InitiatorTaskTag = BasicHeader.NoTag, StatSn = _statSn++, ExpCmdSn = _expCmdSn, MaxCmdSn = MaxCmdSn }, frame.Header);
        if (++_rejects < IscsiLimits.MaxRejectsInARow) return;
        Fault = new SessionFault(SessionFaultReason.TooManyRejects, (byte)frame.Opcode, (long)reason);
        _isOver = true;
    }

    private void Send<TPdu>(in TPdu pdu, ReadOnlySpan<byte> data)
        where TPdu : struct, IPdu<TPdu>
    {
        _rejects = 0;
        Put(pdu, data);
    }

    private void Put<TPdu>(in TPdu pdu, ReadOnlySpan<byte> data)
        where TPdu : struct, IPdu<TPdu>
    {
        var bytes = _digests.PduBytes(data.Length);
        _output.Advance(PduWriter.Write(pdu, data, _output.GetSpan(bytes), _digests));
    }
}
