namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>How data may be cut, after negotiation; lengths in bytes.</summary>
internal sealed class TransferLimits(LoginOutcome login, SessionOptions options)
{
    public bool ImmediateData { get; } = login.Yes("ImmediateData", otherwise: true) && options.ImmediateData;
    public bool InitialR2T { get; } = login.Yes("InitialR2T", otherwise: true) || options.InitialR2T;
    public int FirstBurst { get; } = Math.Min(login.Number("FirstBurstLength", 65536), options.FirstBurstLength);
    public int MaximumBurst { get; } = Math.Min(login.Number("MaxBurstLength", 262144), options.MaxBurstLength);

    /// <summary>The longest data segment the target takes.</summary>
    public int TargetSegment { get; } = login.Number("MaxRecvDataSegmentLength", 8192);

    /// <summary>The longest data segment we said we take.</summary>
    public int OurSegment { get; } = options.MaxRecvDataSegmentLength;
}
