using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>SCSI Data-In (RFC 7143 11.7). The data segment is the data.</summary>
public readonly record struct DataInPdu : IPdu<DataInPdu>
{
    internal const byte StatusBit = 0x01;

    public static Opcode Opcode => Opcode.DataIn;

    /// <summary>F bit.</summary>
    public bool IsFinal { get; init; }

    /// <summary>O bit, with S.</summary>
    public bool IsOverflow { get; init; }

    /// <summary>U bit, with S.</summary>
    public bool IsUnderflow { get; init; }

    /// <summary>S: carries the command's status; StatSN and Residual Count count.</summary>
    public bool HasStatus { get; init; }

    public byte ScsiStatus { get; init; }

    public ulong Lun { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint TargetTransferTag { get; init; }

    public uint StatSn { get; init; }

    public uint ExpCmdSn { get; init; }

    public uint MaxCmdSn { get; init; }

    public uint DataSn { get; init; }

    /// <summary>Bytes.</summary>
    public uint BufferOffset { get; init; }

    public uint ResidualCount { get; init; }

    public static DataInPdu Parse(ReadOnlySpan<byte> header) => new()
    {
        IsFinal = (header[1] & 0x80) != 0,
        IsOverflow = (header[1] & 0x04) != 0,
        IsUnderflow = (header[1] & 0x02) != 0,
        HasStatus = (header[1] & StatusBit) != 0,
        ScsiStatus = header[3],
        Lun = BasicHeader.Lun(header),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        TargetTransferTag = UInt32(header, 20),
        StatSn = UInt32(header, 24),
        ExpCmdSn = UInt32(header, 28),
        MaxCmdSn = UInt32(header, 32),
        DataSn = UInt32(header, 36),
        BufferOffset = UInt32(header, 40),
        ResidualCount = UInt32(header, 44),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode);
        header[1] = (byte)((IsFinal ? 0x80 : 0) | (IsOverflow ? 0x04 : 0) | (IsUnderflow ? 0x02 : 0) | (HasStatus ? StatusBit : 0));
        header[3] = ScsiStatus;
        SetLun(header, Lun);
        Set(header, 16, InitiatorTaskTag);
        Set(header, 20, TargetTransferTag);
        SetSequence(header, StatSn, ExpCmdSn, MaxCmdSn);
        Set(header, 36, DataSn);
        Set(header, 40, BufferOffset);
        Set(header, 44, ResidualCount);
    }
}
