using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Ready To Transfer, R2T (RFC 7143 11.8).</summary>
public readonly record struct ReadyToTransferPdu : IPdu<ReadyToTransferPdu>
{
    public static Opcode Opcode => Opcode.ReadyToTransfer;

    public ulong Lun { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint TargetTransferTag { get; init; }

    public uint StatSn { get; init; }

    public uint ExpCmdSn { get; init; }

    public uint MaxCmdSn { get; init; }

    public uint R2TSn { get; init; }

    /// <summary>Bytes.</summary>
    public uint BufferOffset { get; init; }

    /// <summary>Bytes.</summary>
    public uint DesiredDataTransferLength { get; init; }

    public static ReadyToTransferPdu Parse(ReadOnlySpan<byte> header) => new()
    {
        Lun = BasicHeader.Lun(header),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        TargetTransferTag = UInt32(header, 20),
        StatSn = UInt32(header, 24),
        ExpCmdSn = UInt32(header, 28),
        MaxCmdSn = UInt32(header, 32),
        R2TSn = UInt32(header, 36),
        BufferOffset = UInt32(header, 40),
        DesiredDataTransferLength = UInt32(header, 44),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode);
        header[1] = FinalBit;
        SetLun(header, Lun);
        Set(header, 16, InitiatorTaskTag);
        Set(header, 20, TargetTransferTag);
        SetSequence(header, StatSn, ExpCmdSn, MaxCmdSn);
        Set(header, 36, R2TSn);
        Set(header, 40, BufferOffset);
        Set(header, 44, DesiredDataTransferLength);
    }
}
