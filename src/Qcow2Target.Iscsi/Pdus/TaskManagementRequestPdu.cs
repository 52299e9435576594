using Qcow2Target.Iscsi.Sessions;
using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Task Management Function Request (RFC 7143 11.5).</summary>
public readonly record struct TaskManagementRequestPdu : IPdu<TaskManagementRequestPdu>
{
    public static Opcode Opcode => Opcode.TaskManagementRequest;

    /// <summary>I bit.</summary>
    public bool IsImmediate { get; init; }

    public TaskManagementFunction Function { get; init; }

    public ulong Lun { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint ReferencedTaskTag { get; init; }

    public uint CmdSn { get; init; }

    public uint ExpStatSn { get; init; }

    public uint RefCmdSn { get; init; }

    public uint ExpDataSn { get; init; }

    public static TaskManagementRequestPdu Parse(ReadOnlySpan<byte> header) => new()
    {
        IsImmediate = BasicHeader.IsImmediate(header),
        Function = (TaskManagementFunction)(header[1] & 0x7F),
        Lun = BasicHeader.Lun(header),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        ReferencedTaskTag = UInt32(header, 20),
        CmdSn = UInt32(header, 24),
        ExpStatSn = UInt32(header, 28),
        RefCmdSn = UInt32(header, 32),
        ExpDataSn = UInt32(header, 36),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode, IsImmediate);
        header[1] = (byte)(FinalBit | (byte)Function);
        SetLun(header, Lun);
        Set(header, 16, InitiatorTaskTag);
        Set(header, 20, ReferencedTaskTag);
        Set(header, 24, CmdSn);
        Set(header, 28, ExpStatSn);
        Set(header, 32, RefCmdSn);
        Set(header, 36, ExpDataSn);
    }
}
