using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>SCSI Response (RFC 7143 11.4). The data segment is SenseLength (2 bytes) and sense data.</summary>
public readonly record struct ScsiResponsePdu : IPdu<ScsiResponsePdu>
{
    public static Opcode Opcode => Opcode.ScsiResponse;

    /// <summary>O: Residual Count bytes did not fit.</summary>
    public bool IsOverflow { get; init; }

    /// <summary>U: Residual Count bytes were not moved.</summary>
    public bool IsUnderflow { get; init; }

    /// <summary>0 completed at target, 1 target failure.</summary>
    public byte Response { get; init; }

    public byte ScsiStatus { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint StatSn { get; init; }

    public uint ExpCmdSn { get; init; }

    public uint MaxCmdSn { get; init; }

    /// <summary>Data-In PDUs sent for the command.</summary>
    public uint ExpDataSn { get; init; }

    public uint BidirectionalReadResidualCount { get; init; }

    public uint ResidualCount { get; init; }

    public static ScsiResponsePdu Parse(ReadOnlySpan<byte> header) => new()
    {
        IsOverflow = (header[1] & 0x04) != 0,
        IsUnderflow = (header[1] & 0x02) != 0,
        Response = header[2],
        ScsiStatus = header[3],
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        StatSn = UInt32(header, 24),
        ExpCmdSn = UInt32(header, 28),
        MaxCmdSn = UInt32(header, 32),
        ExpDataSn = UInt32(header, 36),
        BidirectionalReadResidualCount = UInt32(header, 40),
        ResidualCount = UInt32(header, 44),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode);
        header[1] = (byte)(FinalBit | (IsOverflow ? 0x04 : 0) | (IsUnderflow ? 0x02 : 0));
        header[2] = Response;
        header[3] = ScsiStatus;
        Set(header, 16, InitiatorTaskTag);
        SetSequence(header, StatSn, ExpCmdSn, MaxCmdSn);
        Set(header, 36, ExpDataSn);
        Set(header, 40, BidirectionalReadResidualCount);
        Set(header, 44, ResidualCount);
    }
}
