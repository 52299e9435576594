using Qcow2Target.Iscsi.Sessions;
using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Asynchronous Message (RFC 7143 11.9). The data segment is SenseLength and sense data for event 0.</summary>
public readonly record struct AsyncMessagePdu : IPdu<AsyncMessagePdu>
{
    public static Opcode Opcode => Opcode.AsyncMessage;

    public ulong Lun { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint StatSn { get; init; }

    public uint ExpCmdSn { get; init; }

    public uint MaxCmdSn { get; init; }

    public AsyncEvent Event { get; init; }

    public ushort Parameter1 { get; init; }

    public ushort Parameter2 { get; init; }

    public ushort Parameter3 { get; init; }

    public static AsyncMessagePdu Parse(ReadOnlySpan<byte> header) => new()
    {
        Lun = BasicHeader.Lun(header),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        StatSn = UInt32(header, 24),
        ExpCmdSn = UInt32(header, 28),
        MaxCmdSn = UInt32(header, 32),
        Event = (AsyncEvent)header[36],
        Parameter1 = UInt16(header, 38),
        Parameter2 = UInt16(header, 40),
        Parameter3 = UInt16(header, 42),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode);
        header[1] = FinalBit;
        SetLun(header, Lun);
        Set(header, 16, InitiatorTaskTag);
        SetSequence(header, StatSn, ExpCmdSn, MaxCmdSn);
        header[36] = (byte)Event;
        Set(header, 38, Parameter1);
        Set(header, 40, Parameter2);
        Set(header, 42, Parameter3);
    }
}
