using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Qcow2Target.Iscsi.Framing;

/// <summary>CRC32C as iSCSI digests use it (RFC 7143 13.1): reflected polynomial 0x82F63B78, initial value and final xor all ones.</summary>
public static class Crc32C
{
    /// <summary>Bytes of a digest on the wire.</summary>
    public const int Bytes = 4;

    /// <summary>The digest of <paramref name="data"/>.</summary>
    public static uint Compute(ReadOnlySpan<byte> data) => ~Append(0xFFFF_FFFF, data);

    /// <summary>Writes the digest of <paramref name="data"/> as it is sent: least significant byte first.</summary>
    public static void Write(ReadOnlySpan<byte> data, Span<byte> destination) => BinaryPrimitives.WriteUInt32LittleEndian(destination, Compute(data));

    /// <summary>True where the four bytes at <paramref name="digest"/> are the digest of <paramref name="data"/>.</summary>
    public static bool Matches(ReadOnlySpan<byte> data, ReadOnlySpan<byte> digest) => BinaryPrimitives.ReadUInt32LittleEndian(digest) == Compute(data);

    private static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (var word in words) crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
        foreach (var one in data[(words.Length * sizeof(ulong))..]) crc = BitOperations.Crc32C(crc, one);
        return crc;
    }
}
