using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Text Request (RFC 7143 11.10). The data segment is text.</summary>
public readonly record struct TextRequestPdu : IPdu<TextRequestPdu>
{
    public static Opcode Opcode => Opcode.TextRequest;

    /// <summary>I bit.</summary>
    public bool IsImmediate { get; init; }

    /// <summary>F bit.</summary>
    public bool IsFinal { get; init; }

    /// <summary>C: the text goes on in the next request.</summary>
    public bool IsContinued { get; init; }

    public ulong Lun { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint TargetTransferTag { get; init; }

    public uint CmdSn { get; init; }

    public uint ExpStatSn { get; init; }

    public static TextRequestPdu Parse(ReadOnlySpan<byte> header) => new()
    {
        IsImmediate = BasicHeader.IsImmediate(header),
        IsFinal = (header[1] & 0x80) != 0,
        IsContinued = (header[1] & 0x40) != 0,
        Lun = BasicHeader.Lun(header),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        TargetTransferTag = UInt32(header, 20),
        CmdSn = UInt32(header, 24),
        ExpStatSn = UInt32(header, 28),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode, IsImmediate);
        header[1] = (byte)((IsFinal ? 0x80 : 0) | (IsContinued ? 0x40 : 0));
        SetLun(header, Lun);
        Set(header, 16, InitiatorTaskTag);
        Set(header, 20, TargetTransferTag);
        Set(header, 24, CmdSn);
        Set(header, 28, ExpStatSn);
    }
}
