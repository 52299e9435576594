using System.Buffers.Binary;

namespace Qcow2Target.Scsi.Tests.Support;

/// <summary>CDBs that name blocks.</summary>
internal static class TestCdb
{
    public static byte[] Six(byte opcode, uint lba, byte blocks) =>
        [opcode, (byte)(lba >> 16), (byte)(lba >> 8), (byte)lba, blocks, 0];

    public static byte[] Ten(byte opcode, uint lba, ushort blocks, byte flags = 0)
    {
        byte[] cdb = new byte[10];
        cdb[0] = opcode;
        cdb[1] = flags;
        BinaryPrimitives.WriteUInt32BigEndian(cdb.AsSpan(2), lba);
        BinaryPrimitives.WriteUInt16BigEndian(cdb.AsSpan(7), blocks);
        return cdb;
    }

    public static byte[] Twelve(byte opcode, uint lba, uint blocks, byte flags = 0)
    {
        byte[] cdb = new byte[12];
        cdb[0] = opcode;
        cdb[1] = flags;
        BinaryPrimitives.WriteUInt32BigEndian(cdb.AsSpan(2), lba);
        BinaryPrimitives.WriteUInt32BigEndian(cdb.AsSpan(6), blocks);
        return cdb;
    }

    public static byte[] Sixteen(byte opcode, ulong lba, uint blocks, byte flags = 0)
    {
        byte[] cdb = new byte[16];
        cdb[0] = opcode;
        cdb[1] = flags;
        BinaryPrimitives.WriteUInt64BigEndian(cdb.AsSpan(2), lba);
        BinaryPrimitives.WriteUInt32BigEndian(cdb.AsSpan(10), blocks);
        return cdb;
    }

    /// <summary>The form that the opcode has.</summary>
    public static byte[] Of(byte opcode, ulong lba, uint blocks, byte flags = 0) => (opcode >> 5) switch
    {
        0 => Six(opcode, (uint)lba, (byte)blocks),
        4 => Sixteen(opcode, lba, blocks, flags),
        5 => Twelve(opcode, (uint)lba, blocks, flags),
        _ => Ten(opcode, (uint)lba, (ushort)blocks, flags),
    };

    public static byte[] Pattern(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
