using System.Buffers.Binary;

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

    private static int ShiftInByte(int index, int order) => (index & ((8 >> order) - 1)) << order;
}
