using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Reject (RFC 7143 11.17). The data segment is the header of the PDU that was refused.</summary>
public readonly record struct RejectPdu : IPdu<RejectPdu>
{
    public static Opcode Opcode => Opcode.Reject;

    public RejectReason Reason { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint StatSn { get; init; }

    public uint ExpCmdSn { get; init; }

    public uint MaxCmdSn { get; init; }

    public uint DataSn { get; init; }

    public static RejectPdu Parse(ReadOnlySpan<byte> header) => new()
    {
        Reason = (RejectReason)header[2],
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        StatSn = UInt32(header, 24),
        ExpCmdSn = UInt32(header, 28),
        MaxCmdSn = UInt32(header, 32),
        DataSn = UInt32(header, 36),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode);
        header[1] = FinalBit;
        header[2] = (byte)Reason;
        Set(header, 16, InitiatorTaskTag);
        SetSequence(header, StatSn, ExpCmdSn, MaxCmdSn);
        Set(header, 36, DataSn);
    }
}
