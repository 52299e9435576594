using System.Buffers.Binary;

namespace Qcow2Target.Iscsi.Pdus;

/// <summary>Fields that every Basic Header Segment has in the same place (RFC 7143 11.2.1).</summary>
public static class BasicHeader
{
    /// <summary>Initiator Task Tag and Target Transfer Tag that stand for none.</summary>
    public const uint NoTag = 0xFFFF_FFFF;

    internal const byte FinalBit = 0x80;

    private const byte ImmediateBit = 0x40;
    private const byte OpcodeMask = 0x3F;

    public static Opcode Opcode(ReadOnlySpan<byte> header) => (Opcode)(header[0] & OpcodeMask);

    public static bool IsImmediate(ReadOnlySpan<byte> header) => (header[0] & ImmediateBit) != 0;

    /// <summary>F, the top bit of byte 1 (T in login PDUs).</summary>
    public static bool IsFinal(ReadOnlySpan<byte> header) => (header[1] & FinalBit) != 0;

    /// <summary>Bytes of all Additional Header Segments: the field counts words of four.</summary>
    public static int TotalAhsLength(ReadOnlySpan<byte> header) => header[4] * 4;

    /// <summary>Bytes of the data segment without padding: 24 bits.</summary>
    public static int DataSegmentLength(ReadOnlySpan<byte> header) => (header[5] << 16) | BinaryPrimitives.ReadUInt16BigEndian(header[6..]);

    public static ulong Lun(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadUInt64BigEndian(header[8..]);

    public static uint InitiatorTaskTag(ReadOnlySpan<byte> header) => UInt32(header, 16);

    /// <summary>CmdSN, in the initiator's PDUs that have one.</summary>
    public static uint CmdSn(ReadOnlySpan<byte> header) => UInt32(header, 24);

    internal static uint UInt32(ReadOnlySpan<byte> header, int offset) => BinaryPrimitives.ReadUInt32BigEndian(header[offset..]);

    internal static ushort UInt16(ReadOnlySpan<byte> header, int offset) => BinaryPrimitives.ReadUInt16BigEndian(header[offset..]);

    internal static void SetOpcode(Span<byte> header, Opcode opcode, bool immediate = false) => header[0] = (byte)((byte)opcode | (immediate ? ImmediateBit : 0));

    internal static void SetLun(Span<byte> header, ulong lun) => BinaryPrimitives.WriteUInt64BigEndian(header[8..], lun);

    internal static void Set(Span<byte> header, int offset, uint value) => BinaryPrimitives.WriteUInt32BigEndian(header[offset..], value);

    internal static void Set(Span<byte> header, int offset, ushort value) => BinaryPrimitives.WriteUInt16BigEndian(header[offset..], value);

    /// <summary>Sets TotalAHSLength (a multiple of 4, at most 1020) and DataSegmentLength (less than 2^24), both in bytes.</summary>
    internal static void SetLengths(Span<byte> header, int additionalHeaderBytes, int dataBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(additionalHeaderBytes & ~0x3FC, 0);
        ArgumentOutOfRangeException.ThrowIfNotEqual(dataBytes & ~0xFF_FFFF, 0);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], (uint)((additionalHeaderBytes << 22) | dataBytes));
    }

    /// <summary>StatSN, ExpCmdSN and MaxCmdSN stand in the same place in all PDUs of the target.</summary>
    internal static void SetSequence(Span<byte> header, uint statSn, uint expCmdSn, uint maxCmdSn)
    {
        Set(header, 24, statSn);
        Set(header, 28, expCmdSn);
        Set(header, 32, maxCmdSn);
    }
}
