using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Logout Request (RFC 7143 11.14).</summary>
public readonly record struct LogoutRequestPdu : IPdu<LogoutRequestPdu>
{
    public static Opcode Opcode => Opcode.LogoutRequest;

    /// <summary>I bit.</summary>
    public bool IsImmediate { get; init; }

    public LogoutReason Reason { get; init; }

    public uint InitiatorTaskTag { get; init; }

    /// <summary>CID.</summary>
    public ushort ConnectionId { get; init; }

    public uint CmdSn { get; init; }

    public uint ExpStatSn { get; init; }

    public static LogoutRequestPdu Parse(ReadOnlySpan<byte> header) => new()
    {
        IsImmediate = BasicHeader.IsImmediate(header),
        Reason = (LogoutReason)(header[1] & 0x7F),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        ConnectionId = UInt16(header, 20),
        CmdSn = UInt32(header, 24),
        ExpStatSn = UInt32(header, 28),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode, IsImmediate);
        header[1] = (byte)(FinalBit | (byte)Reason);
        Set(header, 16, InitiatorTaskTag);
        Set(header, 20, ConnectionId);
        Set(header, 24, CmdSn);
        Set(header, 28, ExpStatSn);
    }
}
