using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>One entry of an L2 table that a link changes.</summary>
internal readonly record struct PendingChange(int Index, PendingEntry Old, PendingEntry New);

/// <summary>
/// What one step links: entries of one L2 table, and the L1 entry that leads to it, which changes where the table is new. A table that is new was
/// written whole before.
/// <code>
///  0 u32 CRC-32C of all that follows      4 u32 bytes of the record, a multiple of 8
///  8 u64 mark of the log                 16 u64 sequence number, one more than that of the record before
/// 24 u32 L1 index                        28 u32 number of changes
/// 32 u64 old L1 entry                    40 u64 new L1 entry
/// 48 changes: u32 index, u32 zero, then old and new words, 8 or 16 bytes each (all little-endian)
/// </code>
/// </summary>
internal sealed record PendingRecord(int L1Index, ulong OldL1, ulong NewL1, PendingChange[] Changes)
{
    internal const int HeaderBytes = 48;

    /// <summary>More changes than one step makes.</summary>
    internal const int MaxChanges = 1 << 14;

    /// <summary>Bytes that it takes in the log.</summary>
    internal int BytesIn(ClusterGeometry geometry) => HeaderBytes + (Changes.Length * ChangeBytes(WordsOf(geometry)));

    internal byte[] Serialize(PendingMark mark, long sequence, ClusterGeometry geometry)
    {
        var words = WordsOf(geometry);
        var bytes = new byte[BytesIn(geometry)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), bytes.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), mark.Word);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), sequence);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), L1Index);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(28), Changes.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(32), OldL1);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(40), NewL1);
        var rest = bytes.AsSpan(HeaderBytes);
        foreach (var change in Changes)
        {
            BinaryPrimitives.WriteInt32LittleEndian(rest, change.Index);
            WriteEntry(rest[8..], change.Old, words);
            WriteEntry(rest[(8 + (8 * words))..], change.New, words);
            rest = rest[ChangeBytes(words)..];
        }
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Checksum.Of(bytes.AsSpan(4)));
        return bytes;
    }

    /// <summary>Reads the record that begins here. False: none of this log and number does, or it is torn. Any bytes will do.</summary>
    /// <param name="bytes">The rest of the log's area.</param>
    /// <param name="length">Bytes of the record.</param>
    internal static bool TryParse(ReadOnlySpan<byte> bytes, PendingMark mark, long sequence, ClusterGeometry geometry, out PendingRecord? record, out int length)
    {
        (record, length) = (null, 0);
        if (bytes.Length < HeaderBytes) return false;
        var claimed = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes[28..]);
        var words = WordsOf(geometry);
        if (count > MaxChanges || claimed != HeaderBytes + (count * ChangeBytes(words)) || claimed > bytes.Length) return false;
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]) != mark.Word || BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]) != sequence) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Checksum.Of(bytes[4..(int)claimed])) return false;

        var changes = new PendingChange[count];
        var rest = bytes[HeaderBytes..];
        for (var i = 0; i < changes.Length; i++)
        {
            changes[i] = new PendingChange(BinaryPrimitives.ReadInt32LittleEndian(rest), ReadEntry(rest[8..], words), ReadEntry(rest[(8 + (8 * words))..], words));
            rest = rest[ChangeBytes(words)..];
        }
        var l1Index = BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]);
        record = new PendingRecord(l1Index, BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..]), changes);
        length = (int)claimed;
        return true;
    }

    private static int WordsOf(ClusterGeometry geometry) => geometry.L2EntryBytes / sizeof(ulong);

    private static int ChangeBytes(int words) => 8 + (16 * words);

    private static void WriteEntry(Span<byte> bytes, PendingEntry entry, int words)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, entry.Descriptor);
        if (words > 1) BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], entry.Bitmap);
    }

    private static PendingEntry ReadEntry(ReadOnlySpan<byte> bytes, int words) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(bytes), words > 1 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]) : 0);
}
