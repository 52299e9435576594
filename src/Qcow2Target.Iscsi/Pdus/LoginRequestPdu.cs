using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Login Request (RFC 7143 11.12). The data segment is text.</summary>
public readonly record struct LoginRequestPdu : IPdu<LoginRequestPdu>
{
    public static Opcode Opcode => Opcode.LoginRequest;

    /// <summary>T: the initiator is ready to leave the stage.</summary>
    public bool IsTransit { get; init; }

    /// <summary>C: the text goes on in the next request.</summary>
    public bool IsContinued { get; init; }

    /// <summary>CSG.</summary>
    public LoginStage CurrentStage { get; init; }

    /// <summary>NSG, valid with T.</summary>
    public LoginStage NextStage { get; init; }

    public byte VersionMax { get; init; }

    public byte VersionMin { get; init; }

    /// <summary>48 bits.</summary>
    public ulong Isid { get; init; }

    public ushort Tsih { get; init; }

    public uint InitiatorTaskTag { get; init; }

    /// <summary>CID.</summary>
    public ushort ConnectionId { get; init; }

    public uint CmdSn { get; init; }

    public uint ExpStatSn { get; init; }

    public static LoginRequestPdu Parse(ReadOnlySpan<byte> header) => new()
    {
        IsTransit = (header[1] & 0x80) != 0,
        IsContinued = (header[1] & 0x40) != 0,
        CurrentStage = (LoginStage)((header[1] >> 2) & 3),
        NextStage = (LoginStage)(header[1] & 3),
        VersionMax = header[2],
        VersionMin = header[3],
        Isid = BasicHeader.Lun(header) >> 16,
        Tsih = UInt16(header, 14),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        ConnectionId = UInt16(header, 20),
        CmdSn = UInt32(header, 24),
        ExpStatSn = UInt32(header, 28),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode, immediate: true);
        header[1] = (byte)((IsTransit ? 0x80 : 0) | (IsContinued ? 0x40 : 0) | ((byte)CurrentStage << 2) | (byte)NextStage);
        header[2] = VersionMax;
        header[3] = VersionMin;
        SetLun(header, (Isid << 16) | Tsih);
        Set(header, 16, InitiatorTaskTag);
        Set(header, 20, ConnectionId);
        Set(header, 24, CmdSn);
        Set(header, 28, ExpStatSn);
    }
}
