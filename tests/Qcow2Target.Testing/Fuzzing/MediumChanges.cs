using System.Buffers.Binary;

namespace Qcow2Target.Testing.Fuzzing;

/// <summary>Neighbouring logical blocks.</summary>
/// <param name="First">LBA of the first.</param>
/// <param name="Count">How many, at least 1.</param>
public readonly record struct BlockSpan(long First, long Count);

/// <summary>
/// Which blocks a CDB may change at most, read from its bytes and from what was sent with it (SBC-3, SPC-4). Written apart from the product's decoders on
/// purpose: what those misread must not be mirrored here. A command that will be refused counts as one that is done.
/// </summary>
public static class MediumChanges
{
    public const int BlockBytes = 512;

    /// <summary>Adds what <paramref name="cdb"/> may change of a disk of <paramref name="capacity"/> blocks.</summary>
    /// <param name="cdb">The CDB, any length.</param>
    /// <param name="dataOut">What was sent with it so far, by its place in the data-out buffer.</param>
    /// <param name="capacity">Blocks of the disk.</param>
    /// <param name="spans">Where the blocks go.</param>
    /// <returns>True where the command copies between units: <paramref name="spans"/> are of whatever unit its list names.</returns>
    public static bool Collect(ReadOnlySpan<byte> cdb, ReadOnlySpan<byte> dataOut, long capacity, List<BlockSpan> spans)
    {
        if (cdb.Length < 6) return false;
        long sent = (dataOut.Length + BlockBytes - 1) / BlockBytes;
        switch (cdb[0])
        {
            case 0x04:
                Add(0, (ulong)capacity, capacity, spans);
                break;
            case 0x0A:
                Add((ulong)(BinaryPrimitives.ReadUInt32BigEndian(cdb) & 0x1FFFFF), Math.Min(cdb[4] == 0 ? 256u : cdb[4], (ulong)sent), capacity, spans);
                break;
            case 0x2A or 0x2E when cdb.Length >= 10:
                Add(U32(cdb, 2), Math.Min(U16(cdb, 7), (ulong)sent), capacity, spans);
                break;
            case 0xAA or 0xAE when cdb.Length >= 12:
                Add(U32(cdb, 2), Math.Min(U32(cdb, 6), (ulong)sent), capacity, spans);
                break;
            case 0x8A or 0x8B or 0x8E when cdb.Length >= 16:
                Add(U64(cdb, 2), Math.Min(U32(cdb, 10), (ulong)sent), capacity, spans);
                break;
            case 0x89 when cdb.Length >= 16 && dataOut.Length >= 2 * cdb[13] * BlockBytes:
                Add(U64(cdb, 2), cdb[13], capacity, spans);
                break;
            case 0x41 when cdb.Length >= 10 && dataOut.Length > 0:
                Add(U32(cdb, 2), U16(cdb, 7) is var ten and not 0 ? ten : (ulong)capacity, capacity, spans);
                break;
            case 0x93 when cdb.Length >= 16 && (dataOut.Length > 0 || (cdb[1] & 0x01) != 0):
                Add(U64(cdb, 2), U32(cdb, 10) is var sixteen and not 0 ? sixteen : (ulong)capacity, capacity, spans);
                break;
            case 0x42:
                for (int at = 8; at + 16 <= dataOut.Length; at += 16) Add(U64(dataOut, at), U32(dataOut, at + 8), capacity, spans);
                break;
            case 0x48 when (cdb[1] & 0x1F) is 1 or 2 or 3:
                Add(0, (ulong)capacity, capacity, spans);
                break;
            case 0x83 when (cdb[1] & 0x1F) == 0 && dataOut.Length >= 16:
                Segments(dataOut, capacity, spans);
                return true;
        }
        return false;
    }

    /// <summary>Segment descriptors of types 02h and 0Ah (SPC-4 6.4.6).</summary>
    private static void Segments(ReadOnlySpan<byte> list, long capacity, List<BlockSpan> spans)
    {
        for (int at = 16 + (int)U16(list, 2); at + 28 <= list.Length;)
        {
            ulong blocks = list[at] == 0x02 ? U16(list, at + 10) : at + 32 <= list.Length ? (U32(list, at + 8) + U16(list, at + 30) + BlockBytes - 1) / BlockBytes : 0;
            if (list[at] is 0x02 or 0x0A) Add(U64(list, at + 20), blocks, capacity, spans);
            at += 4 + (int)U16(list, at + 2);
        }
    }

    private static void Add(ulong first, ulong count, long capacity, List<BlockSpan> spans)
    {
        if (first >= (ulong)capacity || count == 0) return;
        spans.Add(new BlockSpan((long)first, (long)Math.Min(count, (ulong)capacity - first)));
    }

    private static ulong U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);

    private static ulong U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64BigEndian(bytes[at..]);
}
