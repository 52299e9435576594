using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Qcow2Target.Qcow2.Format;

/// <summary>
/// The packing of counts in a refcount block, by order (log2 of the width in bits): 16, 32 and 64 bits are big-endian; below 8 bits the
/// first count of a byte is in its low-order bits.
/// </summary>
public static class RefcountBlock
{
    /// <summary>The largest count of this width: one more is an error, never a wrap.</summary>
    public static ulong Max(int order) => order == 6 ? ulong.MaxValue : (1UL << (1 << order)) - 1;

    public static ulong Get(ReadOnlySpan<byte> block, int index, int order) => order switch
    {
        3 => block[index],
        4 => BinaryPrimitives.ReadUInt16BigEndian(block[(index * 2)..]),
        5 => BinaryPrimitives.ReadUInt32BigEndian(block[(index * 4)..]),
        6 => BinaryPrimitives.ReadUInt64BigEndian(block[(index * 8)..]),
        _ => (uint)block[index >> (3 - order)] >> ShiftInByte(index, order) & (uint)Max(order),
    };

    /// <exception cref="ArgumentOutOfRangeException">The count does not fit the width.</exception>
    public static void Set(Span<byte> block, int index, int order, ulong count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Max(order));
        switch (order)
        {
            case 3: block[index] = (byte)count; break;
            case 4: BinaryPrimitives.WriteUInt16BigEndian(block[(index * 2)..], (ushort)count); break;
            case 5: BinaryPrimitives.WriteUInt32BigEndian(block[(index * 4)..], (uint)count); break;
            case 6: BinaryPrimitives.WriteUInt64BigEndian(block[(index * 8)..], count); break;
            default:
                ref var packed = ref block[index >> (3 - order)];
                var shift = ShiftInByte(index, order);
                packed = (byte)((packed & ~((uint)Max(order) << shift)) | ((uint)count << shift));
                break;
        }
    }

    /// <summary>Byte of the block in which a count stands, or begins.</summary>
    public static int ByteOf(int index, int order) => (int)((long)index << order >> 3);

    /// <summary>Index of the first count from <paramref name="from"/> on that is 0; −1: none is.</summary>
    public static int IndexOfZero(ReadOnlySpan<byte> block, int from, int order)
    {
        if (order < 3) return IndexOfPackedZero(block, from, order);
        // Zero is zero in either byte order.
        var found = order switch
        {
            3 => block[from..].IndexOf((byte)0),
            4 => MemoryMarshal.Cast<byte, ushort>(block)[from..].IndexOf((ushort)0),
            5 => MemoryMarshal.Cast<byte, uint>(block)[from..].IndexOf(0u),
            _ => MemoryMarshal.Cast<byte, ulong>(block)[from..].IndexOf(0ul),
        };
        return found < 0 ? -1 : from + found;
    }

    /// <summary>Index of the first count from <paramref name="from"/> on that is not 0; −1: none is.</summary>
    public static int IndexOfCounted(ReadOnlySpan<byte> block, int from, int order)
    {
        var counts = (int)((long)block.Length * 8 >> order);
        for (var index = from; index < counts;)
        {
            var first = ByteOf(index, order);
            var skipped = block[first..].IndexOfAnyExcept((byte)0);
            if (skipped < 0) return -1;
            if (skipped > 0) index = (int)((long)(first + skipped) * 8 >> order);
            // Below 8 bits the byte may be set by a count before this one.
            if (Get(block, index, order) != 0) return index;
            index++;
        }
        return -1;
    }

    // Counts of 1, 2 or 4 bits, 64 bits of them at a time: every count folded onto its lowest bit.
    private static int IndexOfPackedZero(ReadOnlySpan<byte> block, int from, int order)
    {
        var perWord = 64 >> order;
        var lowest = order switch { 0 => ulong.MaxValue, 1 => 0x5555_5555_5555_5555UL, _ => 0x1111_1111_1111_1111UL };
        for (var i = from / perWord; i < block.Length / sizeof(ulong); i++)
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(block[(i * sizeof(ulong))..]);
            if (order >= 1) word |= word >> 1;
            if (order >= 2) word |= word >> 2;
            var zeros = ~word & lowest;
            if (i == from / perWord) zeros &= ulong.MaxValue << (from % perWord << order);
            if (zeros != 0) return (i * perWord) + (BitOperations.TrailingZeroCount(zeros) >> order);
        }
        return -1;
    }

    private static int ShiftInByte(int index, int order) => (index & ((8 >> order) - 1)) << order;
}
