using Qcow2Target.Iscsi.Sessions;
using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Logout Response (RFC 7143 11.15).</summary>
public readonly record struct LogoutResponsePdu : IPdu<LogoutResponsePdu>
{
    public static Opcode Opcode => Opcode.LogoutResponse;

    public LogoutResponseCode Response { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint StatSn { get; init; }

    public uint ExpCmdSn { get; init; }

    public uint MaxCmdSn { get; init; }

    /// <summary>Seconds.</summary>
    public ushort Time2Wait { get; init; }

    /// <summary>Seconds.</summary>
    public ushort Time2Retain { get; init; }

    public static LogoutResponsePdu Parse(ReadOnlySpan<byte> header) => new()
    {
        Response = (LogoutResponseCode)header[2],
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        StatSn = UInt32(header, 24),
        ExpCmdSn = UInt32(header, 28),
        MaxCmdSn = UInt32(header, 32),
        Time2Wait = UInt16(header, 40),
        Time2Retain = UInt16(header, 42),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode);
        header[1] = FinalBit;
        header[2] = (byte)Response;
        Set(header, 16, InitiatorTaskTag);
        SetSequence(header, StatSn, ExpCmdSn, MaxCmdSn);
        Set(header, 40, Time2Wait);
        Set(header, 42, Time2Retain);
    }
}
