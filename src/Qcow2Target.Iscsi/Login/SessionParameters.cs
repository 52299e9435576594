namespace Qcow2Target.Iscsi.Login;

public enum SessionType
{
    Normal,
    Discovery,
}

public enum DigestMethod
{
    None,
    Crc32C,
}

/// <summary>What a login has agreed upon, and where the sequence numbers stand.</summary>
public sealed record SessionParameters
{
    public required SessionType SessionType { get; init; }

    /// <summary>As the initiator gave it.</summary>
    public required string InitiatorName { get; init; }

    public string? InitiatorAlias { get; init; }

    /// <summary>Empty for a discovery session.</summary>
    public required string TargetName { get; init; }

    /// <summary>48 bits.</summary>
    public required ulong Isid { get; init; }

    public required ushort Tsih { get; init; }

    public required ushort ConnectionId { get; init; }

    public required ushort PortalGroupTag { get; init; }

    public DigestMethod HeaderDigest { get; init; }

    public DigestMethod DataDigest { get; init; }

    public bool InitialR2T { get; init; } = true;

    public bool ImmediateData { get; init; } = true;

    /// <summary>Longest data segment that we take, bytes.</summary>
    public int MaxRecvDataSegmentLength { get; init; } = 8192;

    /// <summary>Longest data segment that the initiator takes, bytes.</summary>
    public int PeerMaxRecvDataSegmentLength { get; init; } = 8192;

    public int MaxBurstLength { get; init; } = 262144;

    public int FirstBurstLength { get; init; } = 65536;

    public int MaxOutstandingR2T { get; init; } = 1;

    /// <summary>Seconds.</summary>
    public int DefaultTime2Wait { get; init; } = 2;

    /// <summary>Seconds.</summary>
    public int DefaultTime2Retain { get; init; }

    /// <summary>CmdSN of the first command that the session expects.</summary>
    public uint ExpCmdSn { get; init; }

    /// <summary>StatSN of the next response.</summary>
    public uint StatSn { get; init; }
}
