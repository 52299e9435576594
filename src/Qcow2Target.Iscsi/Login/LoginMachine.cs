using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Iscsi.Login;

/// <summary>
/// The login phase of one connection (RFC 7143 6.3, 11.12, 11.13): bytes in, steps out. One thread at a time. The owner limits the time.
/// </summary>
public sealed class LoginMachine
{
    private readonly LoginOffers _offers;
    private readonly PduScanner _scanner = new(DigestUse.None, IscsiLimits.MaxLoginSegmentBytes, maxAdditionalHeaderBytes: 0);
    private readonly List<byte> _requestText = [];
    private readonly List<byte> _answer = [];
    private LoginNegotiation? _negotiation;
    private LoginRequestPdu _first;
    private LoginRequestPdu _request;
    private LoginStage _stage;
    private uint _statSn;
    private int _requests;
    private bool _isOver;

    /// <param name="offers">What the portal brings.</param>
    /// <param name="initialStatSn">StatSN of the first response: any value.</param>
    public LoginMachine(LoginOffers offers, uint initialStatSn = 1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offers.MaxRecvDataSegmentLength, IscsiLimits.MaxDataSegmentBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offers.MaxOutstandingR2T, IscsiLimits.MaxOutstandingR2T);
        _offers = offers;
        _statSn = initialStatSn;
    }

    /// <summary>
    /// Takes at most one PDU from the start of <paramref name="input"/>, which starts at a PDU's first byte. Bytes that are not consumed
    /// are to be given again, with more behind them.
    /// </summary>
    public LoginStep Receive(ReadOnlySpan<byte> input, out int consumed)
    {
        ObjectDisposedException.ThrowIf(_isOver, this);
        consumed = 0;

        // A peer that speaks something else is found out by its first byte, not by waiting for 48.
        if (input.Length > 0 && BasicHeader.Opcode(input) != Opcode.LoginRequest)
            return input.Length < DigestUse.BasicHeaderBytes ? Hang("the first byte is no Login Request") : Refuse(LoginStatus.InvalidDuringLogin, "a PDU that is no Login Request", input);
        switch (_scanner.Scan(input, out var frame))
        {
            case ScanState.NeedMore:
                return LoginStep.NeedInput.Instance;
            case ScanState.Broken:
                return Refuse(LoginStatus.InitiatorError, $"{_scanner.Fault}: {_scanner.FaultValue} bytes", input);
        }

        consumed = frame.Length;
        try
        {
            return Take(LoginRequestPdu.Parse(frame.Header), frame.Data);
        }
        catch (LoginException refused)
        {
            return Refuse(refused.LoginStatus, refused.Message, frame.Header);
        }
    }

    /// <summary>Answers <see cref="LoginStep.NeedAdmission"/>; yields Established or SendAndClose.</summary>
    public LoginStep Admit(AdmissionDecision decision)
    {
        ObjectDisposedException.ThrowIf(_isOver || _negotiation is null, this);
        _isOver = true;
        switch (decision)
        {
            case AdmissionDecision.Refused refused:
                return new LoginStep.SendAndClose(Response(refused.Status, transit: false, 0), refused.Status, refused.Explanation);
            case AdmissionDecision.Redirected moved:
                // What was negotiated counts for nothing any more.
                _answer.Clear();
                TextPairs.Append(_answer, "TargetAddress", moved.Address.ToString());
                var status = moved.Duration == RedirectDuration.Permanent ? LoginStatus.TargetMovedPermanently : LoginStatus.TargetMovedTemporarily;
                return new LoginStep.SendAndClose(Response(status, transit: false, 0), status, $"the target is at {moved.Address}");
            case AdmissionDecision.Accepted accepted:
                ArgumentOutOfRangeException.ThrowIfZero(accepted.Tsih);
                var bytes = Response(LoginStatus.Success, transit: true, accepted.Tsih);
                return new LoginStep.Established(bytes, Parameters(accepted));
            default:
                throw new ArgumentException("neither accepted nor refused nor redirected", nameof(decision));
        }
    }

    private LoginStep Take(LoginRequestPdu request, ReadOnlySpan<byte> text)
    {
        _request = request;
        if (++_requests > IscsiLimits.MaxLoginRequests) throw new LoginException(LoginStatus.InitiatorError, "there is no end of Login Requests");
        if (_requests == 1) Start(request);
        CheckAgainstFirst(request);
        CheckStages(request);
        if (_answer.Count > 0 && (text.Length > 0 || request.IsContinued)) throw new LoginException(LoginStatus.InitiatorError, "text though our answer goes on");
        _requestText.AddRange(text);
        if (_requestText.Count > IscsiLimits.MaxLoginTextBytes) throw new LoginException(LoginStatus.InitiatorError, "the text is too long");
        if (request.IsContinued) return new LoginStep.Send(Response(LoginStatus.Success, transit: false, 0));
        if (_answer.Count == 0) AnswerText();
        if (_stage != LoginStage.SecurityNegotiation || request.IsTransit) _negotiation!.RequireAuthentication();

        // Who has yet to prove itself stays in the stage, whatever it wishes.
        if (request.IsTransit && _stage == LoginStage.SecurityNegotiation && _negotiation!.IsAuthenticating) return new LoginStep.Send(Response(LoginStatus.Success, transit: false, 0));

        // Our own answer is longer than a login PDU: the initiator asks for the rest by an empty request.
        if (_answer.Count > IscsiLimits.MaxLoginSegmentBytes || !request.IsTransit) return new LoginStep.Send(Response(LoginStatus.Success, transit: false, 0));
        if (request.NextStage == LoginStage.FullFeature) return new LoginStep.NeedAdmission(Admission());
        var response = Response(LoginStatus.Success, transit: true, 0);
        _stage = request.NextStage;
        return new LoginStep.Send(response);
    }

    private void Start(LoginRequestPdu request)
    {
        _first = request;
        _negotiation = new LoginNegotiation(_offers, isLeading: request.Tsih == 0);
        if (request.VersionMin > 0) throw new LoginException(LoginStatus.UnsupportedVersion, $"the lowest version is {request.VersionMin}");
        if (request.CurrentStage > LoginStage.LoginOperationalNegotiation) throw new LoginException(LoginStatus.InitiatorError, $"the first stage is {request.CurrentStage}");
        _stage = request.CurrentStage;
    }

    private void CheckAgainstFirst(LoginRequestPdu request)
    {
        if (request.InitiatorTaskTag != _first.InitiatorTaskTag
            || request.Isid != _first.Isid
            || request.Tsih != _first.Tsih
            || request.ConnectionId != _first.ConnectionId)
            throw new LoginException(LoginStatus.InitiatorError, "ITT, ISID, TSIH or CID changed during the login");
    }

    private void CheckStages(LoginRequestPdu request)
    {
        if (request.CurrentStage != _stage) throw new LoginException(LoginStatus.InitiatorError, $"the stage is {_stage}, not {request.CurrentStage}");
        if (!request.IsTransit) return;
        if (request.IsContinued) throw new LoginException(LoginStatus.InitiatorError, "T and C together");
        if (request.NextStage is not (LoginStage.LoginOperationalNegotiation or LoginStage.FullFeature) || request.NextStage <= request.CurrentStage)
            throw new LoginException(LoginStatus.InitiatorError, $"from stage {request.CurrentStage} to {request.NextStage}");
    }

    private void AnswerText()
    {
        if (!TextPairs.TryParse(_requestText.ToArray(), out var pairs, out var problem)) throw new LoginException(LoginStatus.InitiatorError, problem);
        _requestText.Clear();
        _negotiation!.Answer(pairs, _stage == LoginStage.SecurityNegotiation, _answer);
    }

    private AdmissionRequest Admission() => new(
        _negotiation!.InitiatorName,
        _negotiation.InitiatorAlias,
        _negotiation.SessionType,
        _negotiation.TargetName,
        _first.Isid,
        _first.Tsih,
        _first.ConnectionId,
        _negotiation.ChapUser);

    private SessionParameters Parameters(AdmissionDecision.Accepted accepted)
    {
        var values = _negotiation!.Values;
        var session = accepted.Reinstated;
        var maxBurst = session?.MaxBurstLength ?? values.MaxBurstLength;
        return new SessionParameters
        {
            SessionType = _negotiation.SessionType,
            InitiatorName = _negotiation.InitiatorName,
            InitiatorAlias = _negotiation.InitiatorAlias,
            TargetName = _negotiation.TargetName,
            Isid = _first.Isid,
            Tsih = accepted.Tsih,
            ConnectionId = _first.ConnectionId,
            PortalGroupTag = _offers.PortalGroupTag,
            HeaderDigest = values.HeaderDigest,
            DataDigest = values.DataDigest,
            InitialR2T = session?.InitialR2T ?? values.InitialR2T,
            ImmediateData = session?.ImmediateData ?? values.ImmediateData,
            MaxRecvDataSegmentLength = _negotiation.OurMaxRecvDataSegmentLength,
            PeerMaxRecvDataSegmentLength = values.PeerMaxRecvDataSegmentLength,
            MaxBurstLength = maxBurst,

            // A burst that was left at its default, or agreed before the longer one, is still no longer than that.
            FirstBurstLength = Math.Min(session?.FirstBurstLength ?? values.FirstBurstLength, maxBurst),
            MaxOutstandingR2T = session?.MaxOutstandingR2T ?? values.MaxOutstandingR2T,
            DefaultTime2Wait = session?.DefaultTime2Wait ?? values.DefaultTime2Wait,
            DefaultTime2Retain = 0,
            ExpCmdSn = _first.CmdSn,
            StatSn = _statSn,
        };
    }

    private LoginStep.SendAndClose Hang(string explanation)
    {
        _isOver = true;
        return new LoginStep.SendAndClose(ReadOnlyMemory<byte>.Empty, LoginStatus.InvalidDuringLogin, explanation);
    }

    // Also for what was never parsed: the header's common fields are where they always are.
    private LoginStep.SendAndClose Refuse(LoginStatus status, string explanation, ReadOnlySpan<byte> header)
    {
        _isOver = true;
        if (_requests == 0) _first = LoginRequestPdu.Parse(header);
        if (_answer.Count > IscsiLimits.MaxLoginSegmentBytes) _answer.Clear();   // nobody will ask for the rest
        _request = _request with { CurrentStage = _requests == 0 ? LoginStage.SecurityNegotiation : _request.CurrentStage, InitiatorTaskTag = _first.InitiatorTaskTag };
        return new LoginStep.SendAndClose(Response(status, transit: false, 0), status, explanation);
    }

    /// <summary>Lays the next response out with as much of the answer as goes in. <paramref name="newTsih"/> counts in the final one.</summary>
    private byte[] Response(LoginStatus status, bool transit, ushort newTsih)
    {
        var piece = Math.Min(_answer.Count, IscsiLimits.MaxLoginSegmentBytes);
        var data = _answer.GetRange(0, piece).ToArray();
        _answer.RemoveRange(0, piece);
        var bytes = new byte[DigestUse.None.PduBytes(data.Length)];
        var response = new LoginResponsePdu
        {
            IsTransit = transit,
            IsContinued = _answer.Count > 0,
            CurrentStage = _request.CurrentStage,
            NextStage = transit ? _request.NextStage : LoginStage.SecurityNegotiation,
            Isid = _first.Isid,
            Tsih = newTsih != 0 ? newTsih : _first.Tsih,
            InitiatorTaskTag = _request.InitiatorTaskTag,
            StatSn = _statSn++,
            ExpCmdSn = _first.CmdSn,
            MaxCmdSn = _first.CmdSn + IscsiLimits.MaxTasks - 1,
            LoginStatus = status,
        };
        PduWriter.Write(response, data, bytes, DigestUse.None);
        return bytes;
    }
}
