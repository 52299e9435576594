using Qcow2Target.Iscsi.Login;
using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Login Response (RFC 7143 11.13). The data segment is text.</summary>
public readonly record struct LoginResponsePdu : IPdu<LoginResponsePdu>
{
    public static Opcode Opcode => Opcode.LoginResponse;

    /// <summary>T bit.</summary>
    public bool IsTransit { get; init; }

    /// <summary>C bit.</summary>
    public bool IsContinued { get; init; }

    /// <summary>CSG.</summary>
    public LoginStage CurrentStage { get; init; }

    /// <summary>NSG, valid with T.</summary>
    public LoginStage NextStage { get; init; }

    public byte VersionMax { get; init; }

    public byte VersionActive { get; init; }

    /// <summary>48 bits.</summary>
    public ulong Isid { get; init; }

    public ushort Tsih { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint StatSn { get; init; }

    public uint ExpCmdSn { get; init; }

    public uint MaxCmdSn { get; init; }

    /// <summary>Status-Class and Status-Detail.</summary>
    public LoginStatus LoginStatus { get; init; }

    public static LoginResponsePdu Parse(ReadOnlySpan<byte> header) => new()
    {
        IsTransit = (header[1] & 0x80) != 0,
        IsContinued = (header[1] & 0x40) != 0,
        CurrentStage = (LoginStage)((header[1] >> 2) & 3),
        NextStage = (LoginStage)(header[1] & 3),
        VersionMax = header[2],
        VersionActive = header[3],
        Isid = BasicHeader.Lun(header) >> 16,
        Tsih = UInt16(header, 14),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        StatSn = UInt32(header, 24),
        ExpCmdSn = UInt32(header, 28),
        MaxCmdSn = UInt32(header, 32),
        LoginStatus = (LoginStatus)UInt16(header, 36),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode);
        header[1] = (byte)((IsTransit ? 0x80 : 0) | (IsContinued ? 0x40 : 0) | ((byte)CurrentStage << 2) | (byte)NextStage);
        header[2] = VersionMax;
        header[3] = VersionActive;
        SetLun(header, (Isid << 16) | Tsih);
        Set(header, 16, InitiatorTaskTag);
        SetSequence(header, StatSn, ExpCmdSn, MaxCmdSn);
        Set(header, 36, (ushort)LoginStatus);
    }
}
