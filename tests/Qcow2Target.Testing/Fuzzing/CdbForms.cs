using System.Buffers.Binary;

namespace Qcow2Target.Testing.Fuzzing;

/// <summary>The usual shapes of CDBs (SPC-4 4.2.2), for generators.</summary>
internal static class CdbForms
{
    public static byte[] Six(byte opcode, byte one = 0, byte two = 0, byte three = 0, byte four = 0) => [opcode, one, two, three, four, 0];

    public static byte[] Ten(byte opcode, byte flags, long lba, int length)
    {
        byte[] cdb = new byte[10];
        (cdb[0], cdb[1]) = (opcode, flags);
        BinaryPrimitives.WriteUInt32BigEndian(cdb.AsSpan(2), (uint)lba);
        BinaryPrimitives.WriteUInt16BigEndian(cdb.AsSpan(7), (ushort)length);
        return cdb;
    }

    public static byte[] Twelve(byte opcode, byte flags, long lba, int length)
    {
        byte[] cdb = new byte[12];
        (cdb[0], cdb[1]) = (opcode, flags);
        BinaryPrimitives.WriteUInt32BigEndian(cdb.AsSpan(2), (uint)lba);
        BinaryPrimitives.WriteInt32BigEndian(cdb.AsSpan(6), length);
        return cdb;
    }

    public static byte[] Sixteen(byte opcode, byte flags, long lba, int length)
    {
        byte[] cdb = new byte[16];
        (cdb[0], cdb[1]) = (opcode, flags);
        BinaryPrimitives.WriteInt64BigEndian(cdb.AsSpan(2), lba);
        BinaryPrimitives.WriteInt32BigEndian(cdb.AsSpan(10), length);
        return cdb;
    }

    public static FuzzCommand Out(byte[] cdb, byte[] data) => new(0, cdb, data, 0);

    public static FuzzCommand In(byte[] cdb, int bytes) => new(0, cdb, [], bytes);
}
