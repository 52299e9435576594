namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>What an initiator asks for at login. Lengths are in bytes.</summary>
internal sealed record SessionOptions
{
    public string InitiatorName { get; init; } = "iqn.2018-05.local:end-to-end";

    /// <summary>Null for a discovery session.</summary>
    public string? TargetName { get; init; }

    /// <summary>48 bits; 0 takes a random one of the type "random" (RFC 7143 section 11.12.5).</summary>
    public ulong Isid { get; init; }

    /// <summary>The session that is to be reinstated or joined; 0 for a new one.</summary>
    public ushort Tsih { get; init; }

    /// <summary>CmdSN of the login, and so of the first command.</summary>
    public uint FirstCommandSequence { get; init; } = 1;

    public string HeaderDigest { get; init; } = "None";
    public string DataDigest { get; init; } = "None";
    public bool ImmediateData { get; init; } = true;
    public bool InitialR2T { get; init; }
    public int MaxRecvDataSegmentLength { get; init; } = 262144;
    public int FirstBurstLength { get; init; } = 65536;
    public int MaxBurstLength { get; init; } = 262144;
    public int MaxOutstandingR2T { get; init; } = 1;
}
