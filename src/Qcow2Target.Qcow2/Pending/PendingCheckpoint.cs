using System.Buffers.Binary;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>
/// From where on a log still counts: everything before is committed. Written in turn to two places, so that one of them is whole whatever happens;
/// the older one tells of more records, all of them committed, which does no harm.
/// <code>0 u32 CRC-32C of what follows | 4 u32 zero | 8 u64 generation | 16 u64 sequence number | 24 u64 byte of the file (all little-endian)</code>
/// </summary>
/// <param name="Generation">One more with each; the higher of two counts.</param>
/// <param name="Sequence">Number of the first record that counts.</param>
/// <param name="Offset">Where it begins, unless it had no room there and begins with the area.</param>
internal readonly record struct PendingCheckpoint(long Generation, long Sequence, long Offset)
{
    internal const int Bytes = 32;

    private const int PlaceBytes = 512;

    /// <summary>Byte of the file where it is written.</summary>
    internal long Place => PendingLogHeader.BlockBytes + ((Generation & 1) * PlaceBytes);

    internal byte[] Serialize()
    {
        var bytes = new byte[Bytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Generation);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Checksum.Of(bytes.AsSpan(4)));
        return bytes;
    }

    /// <summary>The one that counts in a log. Null: neither is whole.</summary>
    internal static PendingCheckpoint? Find(ReadOnlySpan<byte> log)
    {
        PendingCheckpoint? newest = null;
        for (var place = 0; place < 2; place++)
        {
            var bytes = log.Slice(PendingLogHeader.BlockBytes + (place * PlaceBytes), Bytes);
            if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Checksum.Of(bytes[4..])) continue;
            var found = new PendingCheckpoint(
                BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]));
            if (newest is null || found.Generation > newest.Value.Generation) newest = found;
        }
        return newest;
    }
}
