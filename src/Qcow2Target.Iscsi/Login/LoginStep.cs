namespace Qcow2Target.Iscsi.Login;

/// <summary>What a login wants next. Exactly the nested types.</summary>
public abstract record LoginStep
{
    private LoginStep()
    {
    }

    /// <summary>No whole PDU is there: receive more behind the bytes that were not consumed.</summary>
    public sealed record NeedInput : LoginStep
    {
        internal static NeedInput Instance { get; } = new();
    }

    /// <summary>Send these bytes, then call <see cref="LoginMachine.Receive"/> again with what was not consumed.</summary>
    public sealed record Send(ReadOnlyMemory<byte> Bytes) : LoginStep;

    /// <summary>Negotiation has come to its end: decide, then call <see cref="LoginMachine.Admit"/>. Comes once.</summary>
    public sealed record NeedAdmission(AdmissionRequest Request) : LoginStep;

    /// <summary>
    /// Send these bytes (the final Login Response). The connection is in full-feature phase: input that was not consumed belongs to the
    /// <see cref="Sessions.SessionMachine"/> or <see cref="DiscoveryMachine"/> made from <paramref name="Parameters"/>.
    /// </summary>
    public sealed record Established(ReadOnlyMemory<byte> Bytes, SessionParameters Parameters) : LoginStep;

    /// <summary>Send these bytes (none where the peer speaks no iSCSI), then close.</summary>
    public sealed record SendAndClose(ReadOnlyMemory<byte> Bytes, LoginStatus Reason, string Explanation) : LoginStep;
}
