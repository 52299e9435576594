using System.Buffers.Binary;

namespace Qcow2Target.Scsi.Tests.Support;

/// <summary>PERSISTENT RESERVE commands on a bench, answered as <see cref="Bench.Describe"/> does.</summary>
internal static class ReserveOut
{
    public const byte SpecifyInitiators = 0x08;
    public const byte AllTargetPorts = 0x04;
    public const byte SurvivePowerLoss = 0x01;

    public static byte[] Cdb(byte serviceAction, byte type, int length) =>
        [0x5F, serviceAction, type, 0, 0, 0, 0, (byte)(length >> 8), (byte)length, 0];

    public static byte[] List(ulong key, ulong actionKey, byte flags = 0)
    {
        byte[] list = new byte[24];
        BinaryPrimitives.WriteUInt64BigEndian(list, key);
        BinaryPrimitives.WriteUInt64BigEndian(list.AsSpan(8), actionKey);
        list[20] = flags;
        return list;
    }

    public static string Out(this Bench bench, ItNexus nexus, byte serviceAction, ulong key, ulong actionKey = 0, byte type = 0, byte flags = 0) =>
        bench.Refusal(Cdb(serviceAction, type, 24), List(key, actionKey, flags), nexus: nexus);

    public static string Register(this Bench bench, ItNexus nexus, ulong key, ulong newKey, byte flags = 0) => bench.Out(nexus, 0, key, newKey, flags: flags);

    public static string Reserve(this Bench bench, ItNexus nexus, ulong key, byte type) => bench.Out(nexus, 1, key, type: type);

    /// <summary>PRGENERATION and the keys in hexadecimal, as <c>2: A B</c>.</summary>
    public static string ReadKeys(this Bench bench)
    {
        byte[] data = bench.Data([0x5E, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]);
        int length = BinaryPrimitives.ReadInt32BigEndian(data.AsSpan(4));
        IEnumerable<ulong> keys = Enumerable.Range(0, length / 8).Select(i => BinaryPrimitives.ReadUInt64BigEndian(data.AsSpan(8 + (8 * i))));
        return $"{BinaryPrimitives.ReadUInt32BigEndian(data)}: {string.Join(' ', keys.Select(key => key.ToString("X", null)))}";
    }

    /// <summary>Key and type of the reservation, or null when there is none.</summary>
    public static (ulong Key, byte Type)? ReadReservation(this Bench bench)
    {
        byte[] data = bench.Data([0x5E, 1, 0, 0, 0, 0, 0, 0xFF, 0xFF]);
        return BinaryPrimitives.ReadInt32BigEndian(data.AsSpan(4)) == 0 ? null : (BinaryPrimitives.ReadUInt64BigEndian(data.AsSpan(8)), data[21]);
    }
}
