using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>NOP-Out (RFC 7143 11.18). The data segment is the ping.</summary>
public readonly record struct NopOutPdu : IPdu<NopOutPdu>
{
    public static Opcode Opcode => Opcode.NopOut;

    /// <summary>I bit.</summary>
    public bool IsImmediate { get; init; }

    public ulong Lun { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint TargetTransferTag { get; init; }

    public uint CmdSn { get; init; }

    public uint ExpStatSn { get; init; }

    public static NopOutPdu Parse(ReadOnlySpan<byte> header) => new()
    {
        IsImmediate = BasicHeader.IsImmediate(header),
        Lun = BasicHeader.Lun(header),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        TargetTransferTag = UInt32(header, 20),
        CmdSn = UInt32(header, 24),
        ExpStatSn = UInt32(header, 28),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode, IsImmediate);
        header[1] = FinalBit;
        SetLun(header, Lun);
        Set(header, 16, InitiatorTaskTag);
        Set(header, 20, TargetTransferTag);
        Set(header, 24, CmdSn);
        Set(header, 28, ExpStatSn);
    }
}
