using System.Buffers.Binary;
using Qcow2Target.Iscsi.Sessions;
using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>SCSI Command (RFC 7143 11.3). The data segment is immediate data.</summary>
public readonly record struct ScsiCommandPdu : IPdu<ScsiCommandPdu>
{
    public static Opcode Opcode => Opcode.ScsiCommand;

    /// <summary>I bit.</summary>
    public bool IsImmediate { get; init; }

    /// <summary>F: no unsolicited Data-Out follows.</summary>
    public bool IsFinal { get; init; }

    /// <summary>R bit.</summary>
    public bool IsRead { get; init; }

    /// <summary>W bit.</summary>
    public bool IsWrite { get; init; }

    /// <summary>ATTR.</summary>
    public TaskAttribute Attribute { get; init; }

    public ulong Lun { get; init; }

    public uint InitiatorTaskTag { get; init; }

    /// <summary>Bytes.</summary>
    public uint ExpectedDataTransferLength { get; init; }

    public uint CmdSn { get; init; }

    public uint ExpStatSn { get; init; }

    /// <summary>The CDB's first 16 bytes, the first one on top.</summary>
    public UInt128 Cdb { get; init; }

    public static ScsiCommandPdu Parse(ReadOnlySpan<byte> header) => new()
    {
        IsImmediate = BasicHeader.IsImmediate(header),
        IsFinal = (header[1] & 0x80) != 0,
        IsRead = (header[1] & 0x40) != 0,
        IsWrite = (header[1] & 0x20) != 0,
        Attribute = (TaskAttribute)(header[1] & 7),
        Lun = BasicHeader.Lun(header),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        ExpectedDataTransferLength = UInt32(header, 20),
        CmdSn = UInt32(header, 24),
        ExpStatSn = UInt32(header, 28),
        Cdb = BinaryPrimitives.ReadUInt128BigEndian(header[32..]),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode, IsImmediate);
        header[1] = (byte)((IsFinal ? 0x80 : 0) | (IsRead ? 0x40 : 0) | (IsWrite ? 0x20 : 0) | (byte)Attribute);
        SetLun(header, Lun);
        Set(header, 16, InitiatorTaskTag);
        Set(header, 20, ExpectedDataTransferLength);
        Set(header, 24, CmdSn);
        Set(header, 28, ExpStatSn);
        BinaryPrimitives.WriteUInt128BigEndian(header[32..], Cdb);
    }
}
