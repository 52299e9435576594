using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>SCSI Data-Out (RFC 7143 11.7). The data segment is the data.</summary>
public readonly record struct DataOutPdu : IPdu<DataOutPdu>
{
    public static Opcode Opcode => Opcode.DataOut;

    /// <summary>F bit.</summary>
    public bool IsFinal { get; init; }

    public ulong Lun { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint TargetTransferTag { get; init; }

    public uint ExpStatSn { get; init; }

    public uint DataSn { get; init; }

    /// <summary>Bytes.</summary>
    public uint BufferOffset { get; init; }

    public static DataOutPdu Parse(ReadOnlySpan<byte> header) => new()
    {
        IsFinal = (header[1] & 0x80) != 0,
        Lun = BasicHeader.Lun(header),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        TargetTransferTag = UInt32(header, 20),
        ExpStatSn = UInt32(header, 28),
        DataSn = UInt32(header, 36),
        BufferOffset = UInt32(header, 40),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode);
        header[1] = (byte)(IsFinal ? FinalBit : 0);
        SetLun(header, Lun);
        Set(header, 16, InitiatorTaskTag);
        Set(header, 20, TargetTransferTag);
        Set(header, 28, ExpStatSn);
        Set(header, 36, DataSn);
        Set(header, 40, BufferOffset);
    }
}
