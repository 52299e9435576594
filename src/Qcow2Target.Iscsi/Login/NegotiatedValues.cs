namespace Qcow2Target.Iscsi.Login;

/// <summary>The values of the negotiable keys as a login goes on: the defaults of RFC 7143 13 until a key is agreed.</summary>
internal sealed class NegotiatedValues
{
    public DigestMethod HeaderDigest { get; set; }

    public DigestMethod DataDigest { get; set; }

    public bool InitialR2T { get; set; } = true;

    public bool ImmediateData { get; set; } = true;

    public int PeerMaxRecvDataSegmentLength { get; set; } = 8192;

    public int MaxBurstLength { get; set; } = 262144;

    public int FirstBurstLength { get; set; } = 65536;

    public int MaxOutstandingR2T { get; set; } = 1;

    public int DefaultTime2Wait { get; set; } = 2;

    public int DefaultTime2Retain { get; set; } = 20;
}
