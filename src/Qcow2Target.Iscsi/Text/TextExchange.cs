using System.Runtime.InteropServices;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sessions;

namespace Qcow2Target.Iscsi.Text;

/// <summary>Answer to one Text Request: a response's fields and its text, or the reason of a Reject.</summary>
internal readonly record struct TextAnswer(TextResponsePdu Response, byte[] Text, RejectReason? Rejected)
{
    public static TextAnswer Refuse(RejectReason reason) => new(default, [], reason);
}

/// <summary>
/// Text negotiation in full-feature phase (RFC 7143 7.2, 11.10, 11.11): requests in several PDUs, answers longer than the initiator's
/// MaxRecvDataSegmentLength, SendTargets, and declaring MaxRecvDataSegmentLength anew. One negotiation at a time.
/// </summary>
internal sealed class TextExchange(SessionParameters parameters, ITargetDirectory directory)
{
    private readonly List<byte> _request = [];
    private readonly HashSet<string> _keys = [];
    private List<byte> _answer = [];
    private int _answered;
    private uint _transferTag;
    private bool _isOpen;

    /// <summary>The initiator's MaxRecvDataSegmentLength as last declared.</summary>
    public int PeerMaxRecvDataSegmentLength { get; private set; } = parameters.PeerMaxRecvDataSegmentLength;

    public TextAnswer Take(in TextRequestPdu request, ReadOnlySpan<byte> text)
    {
        if (request.InitiatorTaskTag == BasicHeader.NoTag) return Drop(RejectReason.InvalidPduField);
        if (request.IsContinued && request.IsFinal) return Drop(RejectReason.ProtocolError);
        if (request.TargetTransferTag == BasicHeader.NoTag) Forget();
        else if (!_isOpen || request.TargetTransferTag != _transferTag) return TextAnswer.Refuse(RejectReason.InvalidPduField);

        if (_answer.Count > _answered) return text.IsEmpty ? NextPiece(request) : Drop(RejectReason.ProtocolError);
        if (_request.Count + text.Length > IscsiLimits.MaxTextBytes) return Drop(RejectReason.LongOperationReject);
        _request.AddRange(text);
        if (request.IsContinued) return Respond(request, [], isContinued: false, isFinal: false);
        if (!TextPairs.TryParse(_request.ToArray(), out var pairs, out _)) return Drop(RejectReason.ProtocolError);
        _request.Clear();
        return Answer(pairs) ? NextPiece(request) : Drop(RejectReason.ProtocolError);
    }

    // False where nothing in the request is understood: that is a Reject, for libiscsi drops the connection over a bare NotUnderstood.
    private bool Answer(List<KeyValuePair<string, string>> pairs)
    {
        var isUnderstood = pairs.Count == 0;
        foreach (var (key, value) in pairs)
        {
            // A key comes once in a negotiation (RFC 7143 clause 6.2); SendTargets, many times, would make a list of all targets each time.
            if (!_keys.Add(key)) return false;
            switch (key)
            {
                case "SendTargets":
                    if (!SendTargets(value)) return false;
                    isUnderstood = true;
                    break;
                case "MaxRecvDataSegmentLength":
                    if (KeyTable.TryNumber(value, 512, 16777215, out var declared)) PeerMaxRecvDataSegmentLength = declared;
                    else TextPairs.Append(_answer, key, KeyTable.Reject);
                    isUnderstood = true;
                    break;
                default:
                    TextPairs.Append(_answer, key, KeyTable.Find(key) is null ? KeyTable.NotUnderstood : KeyTable.Reject);
                    break;
            }
        }

        return isUnderstood;
    }

    private bool SendTargets(string value)
    {
        if (parameters.SessionType == SessionType.Discovery)
        {
            if (value.Length == 0) return false;
            if (value == "All")
            {
                foreach (var target in directory.All(parameters.InitiatorName)) Append(target);
            }
            else
            {
                Append(directory.Find(parameters.InitiatorName, value));
            }

            return true;
        }

        // The RFC keeps All for discovery; libiscsi's suite asks for it in a normal session. Nobody learns more than its own target there.
        if (value.Length > 0 && value != "All" && !IscsiName.Equal(value, parameters.TargetName)) return false;
        Append(directory.Find(parameters.InitiatorName, parameters.TargetName));
        return true;
    }

    private void Append(TargetRecord? target)
    {
        if (target is null) return;
        TextPairs.Append(_answer, "TargetName", target.Name);
        foreach (var address in target.Addresses) TextPairs.Append(_answer, "TargetAddress", address);
    }

    // As much as the initiator takes in one segment: not every initiator can put an answer together.
    private TextAnswer NextPiece(in TextRequestPdu request)
    {
        var left = _answer.Count - _answered;
        var piece = CollectionsMarshal.AsSpan(_answer).Slice(_answered, Math.Min(left, Math.Min(PeerMaxRecvDataSegmentLength, IscsiLimits.MaxPieceBytes))).ToArray();
        _answered += piece.Length;
        left -= piece.Length;
        return Respond(request, piece, isContinued: left > 0, isFinal: left == 0 && request.IsFinal);
    }

    private TextAnswer Respond(in TextRequestPdu request, byte[] text, bool isContinued, bool isFinal)
    {
        if (isFinal)
        {
            Forget();
        }
        else if (!_isOpen)
        {
            _isOpen = true;
            _transferTag = _transferTag + 1 == BasicHeader.NoTag ? 0 : _transferTag + 1;
        }

        var response = new TextResponsePdu
        {
            IsFinal = isFinal,
            IsContinued = isContinued,
            Lun = request.Lun,
            InitiatorTaskTag = request.InitiatorTaskTag,
            TargetTransferTag = isFinal ? BasicHeader.NoTag : _transferTag,
        };
        return new TextAnswer(response, text, Rejected: null);
    }

    private TextAnswer Drop(RejectReason reason)
    {
        Forget();
        return TextAnswer.Refuse(reason);
    }

    private void Forget()
    {
        _isOpen = false;
        _request.Clear();
        _keys.Clear();
        _answer = [];   // a long one is not kept
        _answered = 0;
    }
}
