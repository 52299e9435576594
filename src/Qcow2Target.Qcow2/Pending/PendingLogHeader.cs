using System.Buffers.Binary;
using System.Text;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>
/// The first block of a log: which image it belongs to.
/// <code>
///  0 u64 magic        8 u32 CRC-32C of what follows     12 u32 bytes of the header
/// 16 u64 mark        24 u64 device    32 u64 inode      40 i64 birth time (ns since 1970; 0: not known)
/// 48 u32 bytes of the path            52 path, UTF-8 (all little-endian)
/// </code>
/// </summary>
/// <param name="Identity">The image's file: a copy of it, or another file under its name, is not the image.</param>
/// <param name="Path">Where the image was when the log was made; for messages.</param>
internal sealed record PendingLogHeader(PendingMark Mark, FileIdentity Identity, string Path)
{
    internal const int BlockBytes = 4096;

    private const ulong Magic = 0x31_30_44_4e_45_50_32_51;   // "Q2PEND01"
    private const int FixedBytes = 52;

    internal byte[] Serialize()
    {
        var path = Encoding.UTF8.GetBytes(Path);
        var pathBytes = Math.Min(path.Length, BlockBytes - FixedBytes);
        var bytes = new byte[BlockBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), FixedBytes + pathBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), Mark.Word);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), Identity.Device);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(32), Identity.Inode);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(40), Identity.BirthTime);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(48), pathBytes);
        path.AsSpan(0, pathBytes).CopyTo(bytes.AsSpan(FixedBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Checksum.Of(bytes.AsSpan(12, FixedBytes - 12 + pathBytes)));
        return bytes;
    }

    /// <summary>Reads the first block of a file. Null: it is no log, or its beginning was never written whole.</summary>
    internal static PendingLogHeader? TryParse(ReadOnlySpan<byte> block)
    {
        if (block.Length < BlockBytes || BinaryPrimitives.ReadUInt64LittleEndian(block) != Magic) return null;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(block[12..]);
        if (length is < FixedBytes or > BlockBytes || BinaryPrimitives.ReadUInt32LittleEndian(block[48..]) != length - FixedBytes) return null;
        if (BinaryPrimitives.ReadUInt32LittleEndian(block[8..]) != Checksum.Of(block[12..(int)length])) return null;
        var identity = new FileIdentity(
            BinaryPrimitives.ReadUInt64LittleEndian(block[24..]), BinaryPrimitives.ReadUInt64LittleEndian(block[32..]), BinaryPrimitives.ReadInt64LittleEndian(block[40..]));
        return new PendingLogHeader(new PendingMark(BinaryPrimitives.ReadUInt64LittleEndian(block[16..])), identity, Encoding.UTF8.GetString(block[FixedBytes..(int)length]));
    }
}
