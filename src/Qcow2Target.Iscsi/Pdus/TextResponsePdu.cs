using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Text Response (RFC 7143 11.11). The data segment is text.</summary>
public readonly record struct TextResponsePdu : IPdu<TextResponsePdu>
{
    public static Opcode Opcode => Opcode.TextResponse;

    /// <summary>F bit.</summary>
    public bool IsFinal { get; init; }

    /// <summary>C bit.</summary>
    public bool IsContinued { get; init; }

    public ulong Lun { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint TargetTransferTag { get; init; }

    public uint StatSn { get; init; }

    public uint ExpCmdSn { get; init; }

    public uint MaxCmdSn { get; init; }

    public static TextResponsePdu Parse(ReadOnlySpan<byte> header) => new()
    {
        IsFinal = (header[1] & 0x80) != 0,
        IsContinued = (header[1] & 0x40) != 0,
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
        header[1] = (byte)((IsFinal ? 0x80 : 0) | (IsContinued ? 0x40 : 0));
        SetLun(header, Lun);
        Set(header, 16, InitiatorTaskTag);
        Set(header, 20, TargetTransferTag);
        SetSequence(header, StatSn, ExpCmdSn, MaxCmdSn);
    }
}
