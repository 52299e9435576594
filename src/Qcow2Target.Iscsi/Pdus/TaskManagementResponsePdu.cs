using Qcow2Target.Iscsi.Sessions;
using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Task Management Function Response (RFC 7143 11.6).</summary>
public readonly record struct TaskManagementResponsePdu : IPdu<TaskManagementResponsePdu>
{
    public static Opcode Opcode => Opcode.TaskManagementResponse;

    public TaskManagementResponse Response { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint StatSn { get; init; }

    public uint ExpCmdSn { get; init; }

    public uint MaxCmdSn { get; init; }

    public static TaskManagementResponsePdu Parse(ReadOnlySpan<byte> header) => new()
    {
        Response = (TaskManagementResponse)header[2],
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        StatSn = UInt32(header, 24),
        ExpCmdSn = UInt32(header, 28),
        MaxCmdSn = UInt32(header, 32),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode);
        header[1] = FinalBit;
        header[2] = (byte)Response;
        Set(header, 16, InitiatorTaskTag);
        SetSequence(header, StatSn, ExpCmdSn, MaxCmdSn);
    }
}
