using System.Globalization;
using System.Text;
using Qcow2Target.Iscsi.Chap;

namespace Qcow2Target.Iscsi.Login;

/// <summary>
/// The keys of one login: who is who, what has been agreed, and the answers to a request's keys. Knows no PDUs and no stages beyond "is this the security stage".
/// </summary>
internal sealed class LoginNegotiation(LoginOffers offers, bool isLeading)
{
    // Longest text value (RFC 7143 6.1); CHAP has longer ones and its own limit.
    private const int MaxValueBytes = 255;

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private ChapRequirement? _requirement;
    private ChapExchange? _chap;
    private bool _namesAreTold;
    private bool _groupTagIsTold;
    private bool _ourSegmentLengthIsTold;

    public NegotiatedValues Values { get; } = new();

    public string InitiatorName { get; private set; } = "";

    public string? InitiatorAlias { get; private set; }

    public string TargetName { get; private set; } = "";

    public SessionType SessionType { get; private set; } = SessionType.Normal;

    /// <summary>The user that the initiator has proved to be.</summary>
    public string? ChapUser => _chap?.User;

    /// <summary>CHAP was chosen and has not come to its end.</summary>
    public bool IsAuthenticating => _chap is { User: null };

    /// <summary>What the initiator may send in one data segment: what we declared, or the default where there was no occasion to.</summary>
    public int OurMaxRecvDataSegmentLength => _ourSegmentLengthIsTold ? offers.MaxRecvDataSegmentLength : 8192;

    /// <summary>Takes the keys of one whole request and appends the answers to <paramref name="answer"/>.</summary>
    public void Answer(IReadOnlyList<KeyValuePair<string, string>> pairs, bool isSecurityStage, List<byte> answer)
    {
        foreach (var (key, value) in pairs) TakeDeclaration(key, value);
        RequireNames();
        AnswerAuthentication(pairs, isSecurityStage, answer);
        foreach (var (key, value) in pairs) AnswerKey(key, value, late: false, answer);
        foreach (var (key, value) in pairs) AnswerKey(key, value, late: true, answer);
        AddDeclarations(isSecurityStage, answer);
    }

    private void TakeDeclaration(string key, string value)
    {
        switch (key)
        {
            case "InitiatorName":
                OnceAtStart(key);
                InitiatorName = Name(key, value);
                break;
            case "InitiatorAlias":
                Once(key);
                if (IsTooLong(value)) throw new LoginException(LoginStatus.InitiatorError, "InitiatorAlias is too long");
                InitiatorAlias = value;
                break;
            case "TargetName":
                OnceAtStart(key);
                TargetName = Name(key, value);
                break;
            case "SessionType":
                OnceAtStart(key);
                SessionType = value switch
                {
                    "Normal" => SessionType.Normal,
                    "Discovery" => SessionType.Discovery,
                    _ => throw new LoginException(LoginStatus.SessionTypeNotSupported, "SessionType is neither Normal nor Discovery"),
                };
                break;
        }
    }

    private void RequireNames()
    {
        if (_namesAreTold) return;
        if (InitiatorName.Length == 0) throw new LoginException(LoginStatus.MissingParameter, "InitiatorName is missing");
        if (SessionType == SessionType.Normal && TargetName.Length == 0) throw new LoginException(LoginStatus.MissingParameter, "TargetName is missing");
        if (SessionType == SessionType.Discovery) TargetName = "";
        _namesAreTold = true;
        _requirement = offers.Access?.FindChap(InitiatorName, SessionType, TargetName);
    }

    /// <summary>Refuses an initiator that leaves the security stage, or never entered it, without having begun what it has to prove.</summary>
    /// <exception cref="LoginException">With status 0201.</exception>
    public void RequireAuthentication()
    {
        if (_chap is null && _requirement?.IsRequired == true)
            throw new LoginException(LoginStatus.AuthenticationFailure, $"{InitiatorName} came without the CHAP that {TargetName} asks for");
    }

    private void AnswerAuthentication(IReadOnlyList<KeyValuePair<string, string>> pairs, bool isSecurityStage, List<byte> answer)
    {
        Dictionary<string, string> chap = new(StringComparer.Ordinal);
        foreach (var (key, value) in pairs)
        {
            if (!IsAuthentication(key)) continue;
            if (!isSecurityStage) throw new LoginException(LoginStatus.InitiatorError, $"{key} outside the security stage");
            if (key == "AuthMethod") ChooseMethod(value, answer);
            else if (!chap.TryAdd(key, value)) throw new LoginException(LoginStatus.InitiatorError, $"{key} was sent twice");
        }

        if (chap.Count == 0) return;
        if (_chap is null) throw new LoginException(LoginStatus.AuthenticationFailure, $"{chap.Keys.First()} though CHAP was not chosen");
        _chap.Answer(chap, answer);
    }

    // The first of the initiator's methods that is acceptable.
    private void ChooseMethod(string list, List<byte> answer)
    {
        Once("AuthMethod");
        foreach (var method in list.Split(','))
        {
            if (method == "CHAP" && _requirement is not null) _chap = new ChapExchange(_requirement, offers.ChapFloor);
            else if (method != "None" || _requirement?.IsRequired == true) continue;
            TextPairs.Append(answer, "AuthMethod", method);
            return;
        }

        TextPairs.Append(answer, "AuthMethod", KeyTable.Reject);
        throw new LoginException(LoginStatus.AuthenticationFailure, _requirement is { IsRequired: true }
            ? $"{InitiatorName} does not offer the CHAP that is asked for"
            : "no method of AuthMethod is acceptable");
    }

    private static bool IsAuthentication(string key) => key is "AuthMethod" or "CHAP_A" or "CHAP_I" or "CHAP_C" or "CHAP_N" or "CHAP_R";

    private void AnswerKey(string name, string offer, bool late, List<byte> answer)
    {
        switch (name)
        {
            case "InitiatorName" or "InitiatorAlias" or "TargetName" or "SessionType":
            case "X#NodeArchitecture":
            case var other when IsAuthentication(other):
                return;
            case "TargetAlias" or "TargetAddress" or "TargetPortalGroupTag":
                // Ours to declare: the initiator can only say that it does not know them.
                if (offer is not (KeyTable.NotUnderstood or KeyTable.Irrelevant or KeyTable.Reject) && !late) TextPairs.Append(answer, name, KeyTable.Reject);
                return;
        }

        var key = KeyTable.Find(name);
        if ((key?.IsLate ?? false) != late) return;
        if (key is null)
        {
            TextPairs.Append(answer, name, KeyTable.NotUnderstood);
            return;
        }

        Once(name);
        var isIrrelevant = key.Scope switch
        {
            KeyScope.Connection => false,
            KeyScope.LeadingOnly => !isLeading,
            _ => !isLeading || SessionType == SessionType.Discovery,
        };
        var result = isIrrelevant ? KeyTable.Irrelevant : IsTooLong(offer) ? KeyTable.Reject : key.Answer(offer, offers, Values);
        if (result is not null) TextPairs.Append(answer, name, result);
    }

    private void AddDeclarations(bool isSecurityStage, List<byte> answer)
    {
        if (!_groupTagIsTold && SessionType == SessionType.Normal)
        {
            TextPairs.Append(answer, "TargetPortalGroupTag", offers.PortalGroupTag.ToString(CultureInfo.InvariantCulture));
            if (offers.TargetAlias is { } alias) TextPairs.Append(answer, "TargetAlias", alias);
        }

        _groupTagIsTold = true;

        // open-iscsi gives up over any key in the security stage that does not belong there.
        if (_ourSegmentLengthIsTold || (isSecurityStage && !_seen.Contains("MaxRecvDataSegmentLength"))) return;
        TextPairs.Append(answer, "MaxRecvDataSegmentLength", offers.MaxRecvDataSegmentLength.ToString(CultureInfo.InvariantCulture));
        _ourSegmentLengthIsTold = true;
    }

    private void Once(string key)
    {
        if (!_seen.Add(key)) throw new LoginException(LoginStatus.InitiatorError, $"{key} was sent twice");
    }

    // Who speaks to whom is settled by the first request (RFC 7143 6.3): what it left out counts as its default.
    private void OnceAtStart(string key)
    {
        if (_namesAreTold) throw new LoginException(LoginStatus.InitiatorError, $"{key} came after the first request");
        Once(key);
    }

    private static bool IsTooLong(string value) => Encoding.UTF8.GetByteCount(value) > MaxValueBytes;

    private static string Name(string key, string value)
        => IscsiName.IsUsable(value) ? value : throw new LoginException(LoginStatus.InitiatorError, $"{key} is no iSCSI name");
}
