using Qcow2Target.Iscsi.Chap;

namespace Qcow2Target.Iscsi.Login;

/// <summary>What this portal brings into a negotiation. The defaults are what we suggest.</summary>
public sealed record LoginOffers
{
    /// <summary>Tag of the portal group that the connection came in by.</summary>
    public ushort PortalGroupTag { get; init; } = 1;

    /// <summary>Sent to the initiator in a normal session where not null.</summary>
    public string? TargetAlias { get; init; }

    public int MaxRecvDataSegmentLength { get; init; } = 262144;

    public int MaxBurstLength { get; init; } = 1 << 20;

    public int FirstBurstLength { get; init; } = 262144;

    public int MaxOutstandingR2T { get; init; } = 8;

    /// <summary>What initiators have to prove; null: nothing.</summary>
    public ILoginAccess? Access { get; init; }

    /// <summary>The weakest CHAP algorithm that is taken.</summary>
    public ChapAlgorithm ChapFloor { get; init; } = ChapAlgorithm.Md5;
}
