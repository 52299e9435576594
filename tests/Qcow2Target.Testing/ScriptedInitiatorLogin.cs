using System.Text;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.Testing;

/// <summary>What a scripted initiator says of itself when it logs in, and what came of it.</summary>
public sealed record ScriptedInitiatorLogin
{
    public string InitiatorName { get; init; } = "iqn.2018-05.com.networkoptix:scripted";

    /// <summary>Null: discovery.</summary>
    public string? TargetName { get; init; }

    public ulong Isid { get; init; } = 0x80_00_12_34_00_01;

    public ushort Tsih { get; init; }

    public ushort ConnectionId { get; init; }

    public uint CmdSn { get; init; } = 1;

    /// <summary>Operational keys, in order. The default is what open-iscsi offers.</summary>
    public IReadOnlyList<(string Key, string Value)> Keys { get; init; } =
    [
        ("HeaderDigest", "None"),
        ("DataDigest", "None"),
        ("DefaultTime2Wait", "2"),
        ("DefaultTime2Retain", "0"),
        ("ErrorRecoveryLevel", "0"),
        ("InitialR2T", "No"),
        ("ImmediateData", "Yes"),
        ("MaxBurstLength", "16776192"),
        ("FirstBurstLength", "262144"),
        ("MaxOutstandingR2T", "1"),
        ("MaxConnections", "1"),
        ("DataPDUInOrder", "Yes"),
        ("DataSequenceInOrder", "Yes"),
        ("MaxRecvDataSegmentLength", "262144"),
    ];

    /// <summary>The same login with some keys' values replaced or keys added.</summary>
    public ScriptedInitiatorLogin With(params (string Key, string Value)[] changes)
        => this with { Keys = [.. Keys.Where(own => changes.All(change => change.Key != own.Key)), .. changes] };

    /// <summary>The text of the one request that this login sends.</summary>
    public byte[] Text()
    {
        var text = new StringBuilder();
        text.Append("InitiatorName=").Append(InitiatorName).Append('\0');
        if (TargetName is null) text.Append("SessionType=Discovery\0");
        else text.Append("SessionType=Normal\0TargetName=").Append(TargetName).Append('\0');
        foreach (var (key, value) in Keys) text.Append(key).Append('=').Append(value).Append('\0');
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}

/// <summary>How a login ended.</summary>
/// <param name="LoginStatus">Success, or why not.</param>
/// <param name="Answers">The target's keys, of all responses.</param>
/// <param name="Tsih">The session's handle.</param>
public sealed record ScriptedInitiatorLoginOutcome(LoginStatus LoginStatus, IReadOnlyDictionary<string, string> Answers, ushort Tsih)
{
    public bool IsYes(string key, bool otherwise) => Answers.TryGetValue(key, out var value) && value is "Yes" or "No" ? value == "Yes" : otherwise;

    public int Number(string key, int otherwise) => Answers.TryGetValue(key, out var value) && int.TryParse(value, out var number) ? number : otherwise;

    public DigestUse Digests => new(Digest("HeaderDigest"), Digest("DataDigest"));

    private DigestMethod Digest(string key) => Answers.GetValueOrDefault(key) == "CRC32C" ? DigestMethod.Crc32C : DigestMethod.None;
}
