using System.Buffers.Binary;

namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>Commands of SPC-4 and SBC-3 over blocks of 512 bytes.</summary>
internal static class Cdb
{
    public const int BlockLength = 512;
    private const byte Fua = 0x08, UnmapBit = 0x08;

    public static ScsiCommand TestUnitReady() => new(new byte[6]);

    public static ScsiCommand Inquiry(Memory<byte> data) => new([0x12, 0, 0, (byte)(data.Length >> 8), (byte)data.Length, 0]) { DataIn = data };

    public static ScsiCommand Inquiry(byte page, Memory<byte> data) => new([0x12, 1, page, (byte)(data.Length >> 8), (byte)data.Length, 0]) { DataIn = data };

    public static ScsiCommand ReadCapacity16(Memory<byte> data)
    {
        byte[] cdb = new byte[16];
        cdb[0] = 0x9E;
        cdb[1] = 0x10;
        BinaryPrimitives.WriteInt32BigEndian(cdb.AsSpan(10), data.Length);
        return new ScsiCommand(cdb) { DataIn = data };
    }

    public static ScsiCommand ReportLuns(Memory<byte> data)
    {
        byte[] cdb = new byte[12];
        cdb[0] = 0xA0;
        BinaryPrimitives.WriteInt32BigEndian(cdb.AsSpan(6), data.Length);
        return new ScsiCommand(cdb) { DataIn = data };
    }

    public static ScsiCommand Read16(long lba, Memory<byte> data) => new(Sixteen(0x88, 0, lba, data.Length / BlockLength)) { DataIn = data };

    public static ScsiCommand Write16(long lba, ReadOnlyMemory<byte> data) => new(Sixteen(0x8A, 0, lba, data.Length / BlockLength)) { DataOut = data };

    public static ScsiCommand Write16Fua(long lba, ReadOnlyMemory<byte> data) => new(Sixteen(0x8A, Fua, lba, data.Length / BlockLength)) { DataOut = data };

    /// <summary>Writes <paramref name="block"/> (one block) to each of <paramref name="blocks"/> blocks.</summary>
    public static ScsiCommand WriteSame16(long lba, int blocks, ReadOnlyMemory<byte> block) => new(Sixteen(0x93, 0, lba, blocks)) { DataOut = block };

    /// <summary>Unmaps and leaves zeros, which the target promises with LBPRZ.</summary>
    public static ScsiCommand WriteSame16Unmap(long lba, int blocks) =>
        new(Sixteen(0x93, UnmapBit, lba, blocks)) { DataOut = new byte[BlockLength] };

    public static ScsiCommand SynchronizeCache16() => new(Sixteen(0x91, 0, 0, 0));

    public static ScsiCommand Unmap(params ReadOnlySpan<(long Lba, int Blocks)> ranges)
    {
        byte[] list = new byte[8 + 16 * ranges.Length];
        BinaryPrimitives.WriteUInt16BigEndian(list, (ushort)(list.Length - 2));
        BinaryPrimitives.WriteUInt16BigEndian(list.AsSpan(2), (ushort)(list.Length - 8));
        for (int i = 0; i < ranges.Length; i++)
        {
            BinaryPrimitives.WriteInt64BigEndian(list.AsSpan(8 + 16 * i), ranges[i].Lba);
            BinaryPrimitives.WriteInt32BigEndian(list.AsSpan(16 + 16 * i), ranges[i].Blocks);
        }
        return new ScsiCommand([0x42, 0, 0, 0, 0, 0, 0, (byte)(list.Length >> 8), (byte)list.Length, 0]) { DataOut = list };
    }

    private static byte[] Sixteen(byte operation, byte flags, long lba, int blocks)
    {
        byte[] cdb = new byte[16];
        cdb[0] = operation;
        cdb[1] = flags;
        BinaryPrimitives.WriteInt64BigEndian(cdb.AsSpan(2), lba);
        BinaryPrimitives.WriteInt32BigEndian(cdb.AsSpan(10), blocks);
        return cdb;
    }
}
