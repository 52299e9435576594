using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>NOP-In (RFC 7143 11.19). The data segment is the echoed ping.</summary>
public readonly record struct NopInPdu : IPdu<NopInPdu>
{
    public static Opcode Opcode => Opcode.NopIn;

    public ulong Lun { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint TargetTransferTag { get; init; }

    public uint StatSn { get; init; }

    public uint ExpCmdSn { get; init; }

    public uint MaxCmdSn { get; init; }

    public static NopInPdu Parse(ReadOnlySpan<byte> header) => new()
    {
        Lun = BasicHeader.Lun(header),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        TargetTransferTag = UInt32(header, 20),
        StatSn = UInt32(header, 24),
        ExpCmdSn = UInt32(header, 28),
        MaxCmdSn = UInt32(header, 32),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode);
        header[1] = FinalBit;
        SetLun(header, Lun);
        Set(header, 16, InitiatorTaskTag);
        Set(header, 20, TargetTransferTag);
        SetSequence(header, StatSn, ExpCmdSn, MaxCmdSn);
    }
}
