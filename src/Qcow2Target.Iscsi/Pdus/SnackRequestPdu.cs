using static Qcow2Target.Iscsi.Pdus.BasicHeader;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>SNACK Request (RFC 7143 11.16).</summary>
public readonly record struct SnackRequestPdu : IPdu<SnackRequestPdu>
{
    public static Opcode Opcode => Opcode.SnackRequest;

    /// <summary>0 Data/R2T, 1 Status, 2 DataACK, 3 R-Data.</summary>
    public byte SnackType { get; init; }

    public ulong Lun { get; init; }

    public uint InitiatorTaskTag { get; init; }

    public uint TargetTransferTag { get; init; }

    public uint ExpStatSn { get; init; }

    public uint BegRun { get; init; }

    public uint RunLength { get; init; }

    public static SnackRequestPdu Parse(ReadOnlySpan<byte> header) => new()
    {
        SnackType = (byte)(header[1] & 0x0F),
        Lun = BasicHeader.Lun(header),
        InitiatorTaskTag = BasicHeader.InitiatorTaskTag(header),
        TargetTransferTag = UInt32(header, 20),
        ExpStatSn = UInt32(header, 28),
        BegRun = UInt32(header, 40),
        RunLength = UInt32(header, 44),
    };

    public void Write(Span<byte> header)
    {
        SetOpcode(header, Opcode);
        header[1] = (byte)(FinalBit | SnackType);
        SetLun(header, Lun);
        Set(header, 16, InitiatorTaskTag);
        Set(header, 20, TargetTransferTag);
        Set(header, 28, ExpStatSn);
        Set(header, 40, BegRun);
        Set(header, 44, RunLength);
    }
}
