using System.Buffers.Binary;

namespace Qcow2Target.Scsi.Cdb;

/// <summary>The fields of CDBs, pages and parameter lists: big-endian, addressed by the offsets that the standards' tables give.</summary>
internal static class BigEndianFields
{
    public static ushort U16(this ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16BigEndian(bytes[offset..]);

    public static uint U32(this ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes[offset..]);

    public static ulong U64(this ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64BigEndian(bytes[offset..]);

    public static void PutU16(this byte[] bytes, int offset, int value) => BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(offset), (ushort)value);

    public static void PutU32(this byte[] bytes, int offset, uint value) => BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(offset), value);

    public static void PutU64(this byte[] bytes, int offset, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(offset), value);

    /// <summary>ASCII, left-aligned, cut to and padded with blanks to <paramref name="width"/>.</summary>
    public static void PutAscii(this byte[] bytes, int offset, int width, string text)
    {
        Span<byte> field = bytes.AsSpan(offset, width);
        field.Fill((byte)' ');
        System.Text.Encoding.ASCII.GetBytes(text.AsSpan(0, Math.Min(text.Length, width)), field);
    }
}
