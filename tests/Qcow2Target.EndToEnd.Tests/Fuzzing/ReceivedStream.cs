using System.Buffers.Binary;
using Qcow2Target.EndToEnd.Tests.Initiator;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>
/// Takes apart what the target sends and holds it to RFC 7143: framing, digests, sequence numbers, and that each PDU answers something. What an answer
/// must be by what was asked is left to <see cref="AnswerRules"/>.
/// </summary>
internal sealed class ReceivedStream(ConnectionLedger ledger)
{
    private readonly AnswerRules _answers = new(ledger);
    private byte[] _bytes = new byte[1 << 20];
    private int _start, _end;
    private bool _isLoggedIn, _sequenceKnown, _isOver;
    private uint _expCmdSn, _maxCmdSn;

    /// <summary>PDUs received.</summary>
    public long Pdus { get; private set; }

    /// <summary>The last Login Response, with its data; null before there was one.</summary>
    public RawPdu? LoginResponse { get; private set; }

    public int LoginResponses { get; private set; }

    /// <summary>Where PDUs may follow a final Login Response at once: notes what was agreed, and the session begins.</summary>
    public Action? BeforeSession { get; set; }

    /// <summary>
    /// Nobody notes what a login agrees upon. When it succeeds all the same, what follows is not looked at: it answers logins that were sent behind it, with
    /// digests that nobody knows.
    /// </summary>
    public bool EndsWithSession { get; set; }

    /// <summary>The window is as wide as it can be: no task of this session is left.</summary>
    public bool IsWindowWhole => _maxCmdSn - _expCmdSn + 1 == ConnectionLedger.WholeWindow;

    public uint Window => _maxCmdSn - _expCmdSn + 1;

    public int Pongs => _answers.Pongs;

    public Span<byte> Room()
    {
        if (_start == _end) _start = _end = 0;
        if (_bytes.Length - _end < 65536)
        {
            _bytes.AsSpan(_start, _end - _start).CopyTo(_bytes);
            (_start, _end) = (0, _end - _start);
            if (_bytes.Length - _end < 65536) Array.Resize(ref _bytes, _bytes.Length * 2);
        }
        return _bytes.AsSpan(_end);
    }

    /// <summary>So many bytes have come into <see cref="Room"/>.</summary>
    public void Received(int count)
    {
        _end += count;
        while (!_isOver && TryTake())
        {
        }
        if (_isOver) _start = _end;
    }

    /// <summary>The session is established with what was agreed: digests from now on.</summary>
    public void Establish()
    {
        _isLoggedIn = true;
        ledger.IsFullFeature = true;
        ledger.MaxCmdSn = _maxCmdSn = LoginResponse!.MaximumCommandSequence;
        _expCmdSn = ledger.ToldExpCmdSn = LoginResponse.ExpectedSequence;
        Must(_maxCmdSn - _expCmdSn + 1 == ConnectionLedger.WholeWindow, $"a login opens a window of {_maxCmdSn - _expCmdSn + 1}");
    }

    private bool TryTake()
    {
        ReadOnlySpan<byte> input = _bytes.AsSpan(_start, _end - _start);
        if (input.Length < 48) return false;
        Must(input[4] == 0, "an additional header segment that nobody asked for");
        int length = input[5] << 16 | input[6] << 8 | input[7], headerDigest = _isLoggedIn && ledger.HeaderDigest ? 4 : 0;
        Must(length <= (!_isLoggedIn ? 8192 : ledger.IsSegmentUnsure ? 16777215 : ledger.OurSegment), $"a data segment of {length} bytes, more than the {ledger.OurSegment} that were declared");
        int dataAt = 48 + headerDigest, padded = (length + 3) & ~3, dataDigest = _isLoggedIn && ledger.DataDigest && length > 0 ? 4 : 0;
        if (input.Length < dataAt + padded + dataDigest) return false;
        if (headerDigest > 0) Must(BinaryPrimitives.ReadUInt32LittleEndian(input[48..]) == SentStream.Crc(input[..48]), "a wrong header digest");
        if (dataDigest > 0) Must(BinaryPrimitives.ReadUInt32LittleEndian(input[(dataAt + padded)..]) == SentStream.Crc(input.Slice(dataAt, padded)), "a wrong data digest");
        Must(input.Slice(dataAt + length, padded - length).IndexOfAnyExcept((byte)0) < 0, "padding that is not zero");
        ledger.Conversation.Transcript.Received(ledger.Number, input[..48], length);
        Pdus++;
        _start += dataAt + padded + dataDigest;
        RawPdu pdu = new(input[..48].ToArray(), input.Slice(dataAt, length).ToArray());
        if (pdu.Opcode == Opcodes.LoginResponse) TakeLogin(pdu);
        else Take(pdu);
        return true;
    }

    private void TakeLogin(RawPdu pdu)
    {
        Must(!_isLoggedIn, "a Login Response in full feature");
        Must(pdu.Header[2] == 0 && pdu.Header[3] == 0, "another version than 0");
        LoginResponses++;
        LoginResponse = pdu;
        (byte statusClass, byte detail) = (pdu.Header[36], pdu.Header[37]);
        if (statusClass != 0)
        {
            Must(statusClass is 1 or 2 or 3 && detail <= 0x0B, $"login status {statusClass:x2}{detail:x2}");
            Must((pdu.Flags & 0x80) == 0, "T in a refused login");
            ledger.MayEnd ??= $"login refused with {statusClass:x2}{detail:x2}";
            return;
        }
        Must((pdu.Flags & 0xC0) != 0xC0, "T and C together");
        if (_sequenceKnown) Must(pdu.StatusSequence == ledger.NextStatSn, $"StatSN {pdu.StatusSequence}, expected {ledger.NextStatSn}");
        (_sequenceKnown, ledger.NextStatSn) = (true, pdu.StatusSequence + 1);
        bool final = (pdu.Flags & 0x83) == 0x83;
        if (!final) ledger.IsFullFeature = false;
        else Must((pdu.Header[14] | pdu.Header[15]) != 0, "a final Login Response without a TSIH");
        ReadOnlySpan<byte> text = pdu.Data.Span;
        Must(text.IsEmpty || text[^1] == 0 || (pdu.Flags & 0x40) != 0, "login text that does not end with a NUL");
        _isOver = final && EndsWithSession;
        if (!final || BeforeSession is null) return;
        BeforeSession();
        Establish();
    }

    private void Take(RawPdu pdu)
    {
        Must(_isLoggedIn, $"{pdu} before full feature");
        Must(pdu.Opcode is Opcodes.NopIn or Opcodes.ScsiResponse or Opcodes.TaskManagementResponse or Opcodes.TextResponse or Opcodes.DataIn or Opcodes.LogoutResponse
            or Opcodes.ReadyToTransfer or Opcodes.AsyncMessage or Opcodes.Reject, $"{pdu}: no opcode of a target");
        CheckNumbers(pdu);
        _answers.Take(pdu);
    }

    private void CheckNumbers(RawPdu pdu)
    {
        bool carriesStatus = pdu.Opcode switch
        {
            Opcodes.ReadyToTransfer => false,
            Opcodes.DataIn => (pdu.Flags & 0x01) != 0,
            Opcodes.NopIn => pdu.TaskTag != RawPdu.NoTag,
            _ => true,
        };
        if (carriesStatus || pdu.Opcode != Opcodes.DataIn) Must(pdu.StatusSequence == ledger.NextStatSn, $"StatSN {pdu.StatusSequence}, expected {ledger.NextStatSn}: {pdu}");
        if (carriesStatus) ledger.NextStatSn++;
        if (ledger.IsDiscovery) return;
        uint exp = pdu.ExpectedSequence, max = pdu.MaximumCommandSequence;
        Must((int)(exp - _expCmdSn) >= 0, $"ExpCmdSN goes back from {_expCmdSn} to {exp}: {pdu}");
        Must((int)(max - _maxCmdSn) >= 0, $"MaxCmdSN goes back from {_maxCmdSn} to {max}: {pdu}");
        Must((int)(max - exp) >= -1 && max - exp + 1 <= ConnectionLedger.WholeWindow, $"ExpCmdSN {exp} with MaxCmdSN {max}: {pdu}");
        Must(ledger.IsUncertain || (int)(exp - ledger.ExpCmdSn) <= 0, $"ExpCmdSN {exp}, and only what is before {ledger.ExpCmdSn} was sent: {pdu}");
        (_expCmdSn, _maxCmdSn) = (exp, max);
        ledger.ToldExpCmdSn = exp;
        ledger.MaxCmdSn = max;
    }

    private static void Must(bool holds, string otherwise)
    {
        if (!holds) throw new FuzzFinding("the target sent " + otherwise);
    }
}
