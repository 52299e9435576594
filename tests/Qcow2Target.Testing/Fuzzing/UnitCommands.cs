using System.Buffers.Binary;
using static Qcow2Target.Testing.Fuzzing.CdbForms;

namespace Qcow2Target.Testing.Fuzzing;

/// <summary>Valid commands that ask about the unit and change its state (SPC-4, and the rest of SBC-3).</summary>
internal sealed class UnitCommands(RandomSource random, long capacity, IReadOnlyList<byte[]> designators)
{
    private static readonly int[] Allocations = [0, 1, 4, 8, 18, 36, 96, 255, 512, 4096];

    public FuzzCommand Next() => random.Next(24) switch
    {
        0 or 1 => Out(Six(0x00), []),
        2 => Asked(allocation => Six(0x03, (byte)random.Next(2), 0, 0, (byte)allocation), 252),
        3 or 4 => Inquiry(),
        5 => Asked(allocation => Twelve(0xA0, 0, (uint)random.Next(3) << 24, allocation)),
        6 or 7 => ModeSense(),
        8 => ModeSelect(),
        9 => Out(Six(0x1B, (byte)random.Next(2), 0, 0, random.Pick<byte>(0, 1, 4, 0x10, 2, 3)), []),
        10 => Out(Six(0x1E, 0, 0, 0, (byte)random.Next(4)), []),
        11 => Out(random.Once(2) ? Six(0x16) : Ten(0x56, 0, 0, 0), []),
        12 => Out(random.Once(2) ? Six(0x17) : Ten(0x57, 0, 0, 0), []),
        13 or 14 => Asked(allocation => Ten(0x5E, (byte)random.Next(4), 0, allocation)),
        15 or 16 or 17 => ReserveOut(),
        18 => Asked(allocation => SupportedOpcodes(allocation)),
        19 => Asked(allocation => Twelve(0xA3, random.Pick<byte>(0x0D, 0x0A, 0x2A), 0, allocation)),
        20 => ExtendedCopy(),
        21 => Asked(allocation => Sixteen(0x84, random.Pick<byte>(0, 3), (long)random.Next(3) << 56, allocation)),
        22 => random.Once(2) ? In(Ten(0x25, 0, 0, 0), 8) : Asked(allocation => Sixteen(0x9E, 0x10, 0, allocation)),
        _ => random.Next(3) switch
        {
            0 => Asked(allocation => Ten(0x37, 0, (long)random.Next(0x20) << 24, allocation)),
            1 => Asked(allocation => Twelve(0xB7, (byte)random.Next(0x20), 0, allocation)),
            _ => Out(Six(0x1D, 4), []),
        },
    };

    private FuzzCommand Asked(Func<int, byte[]> cdb, int most = 4096)
    {
        int allocation = Math.Min(random.Pick<int>(Allocations), most);
        return In(cdb(allocation), random.Once(6) ? random.Pick<int>(Allocations) : allocation);
    }

    private FuzzCommand Inquiry() => Asked(allocation =>
    {
        byte[] cdb = Six(0x12, 0, 0, (byte)(allocation >> 8), (byte)allocation);
        if (random.Once(2)) (cdb[1], cdb[2]) = (1, random.Pick<byte>(0x00, 0x80, 0x83, 0x86, 0x8F, 0xB0, 0xB1, 0xB2, 0x88));
        return cdb;
    });

    private FuzzCommand ModeSense()
    {
        byte page = random.Pick<byte>(0x01, 0x02, 0x08, 0x0A, 0x1C, 0x3F), control = (byte)(random.Next(3) << 6 | page), subpage = random.Pick<byte>(0, 0, 1, 0xFF);
        byte flags = random.Pick<byte>(0, 8, 0x10, 0x18);
        return random.Once(2)
            ? Asked(allocation => Six(0x1A, (byte)(flags & 8), control, subpage, (byte)allocation), 255)
            : Asked(allocation => Ten(0x5A, flags, (long)control << 24 | (long)subpage << 16, allocation));
    }

    private FuzzCommand ModeSelect()
    {
        bool ten = random.Once(2);
        byte[] page = random.Once(2)
            ? [0x08, 0x12, (byte)(random.Once(2) ? 4 : 0), .. new byte[17]]
            : [0x0A, 0x0A, (byte)(random.Once(2) ? 6 : 2), 0x10, (byte)(random.Once(8) ? 8 : 0), 0x00, 0, 0, 0xFF, 0xFF, 0, 0];
        byte[] list = [.. new byte[ten ? 8 : 4], .. page];
        return Out(ten ? Ten(0x55, 0x10, 0, list.Length) : Six(0x15, 0x10, 0, 0, (byte)list.Length), list);
    }

    private FuzzCommand ReserveOut()
    {
        byte action = (byte)random.Next(8), type = random.Pick<byte>(1, 3, 5, 6, 7, 8);
        byte[] list = new byte[24];
        list[7] = (byte)random.Next(3);
        list[15] = (byte)random.Next(3);
        if (random.Once(8)) list[20] = 1;
        if (action == 7)
        {
            byte[] name = "iqn.2018-05.local:nobody,i,0x800000000001\0\0\0"u8.ToArray();
            list = [.. new byte[7], list[7], .. new byte[7], list[15], 0, 0, 0, 1, 0, 0, 0, (byte)(4 + name.Length), 0x45, 0, 0, (byte)name.Length, .. name];
        }
        byte[] cdb = Ten(0x5F, action, (long)type << 24, 0);
        BinaryPrimitives.WriteInt32BigEndian(cdb.AsSpan(5), list.Length);
        return Out(cdb, list);
    }

    private byte[] SupportedOpcodes(int allocation)
    {
        byte[] cdb = Twelve(0xA3, 0x0C, 0, allocation);
        cdb[2] = (byte)(random.Next(4) | (random.Once(2) ? 0x80 : 0));
        cdb[3] = random.Pick<byte>(0x00, 0x28, 0x2A, 0x5E, 0x9E, 0xA3, (byte)random.Next(256));
        cdb[5] = (byte)random.Next(0x20);
        return cdb;
    }

    private FuzzCommand ExtendedCopy()
    {
        if (designators.Count == 0) return Out(Sixteen(0x83, 0, 0, 0), []);
        int targets = random.Next(1, 3), segments = random.Next(1, 4);
        byte[] list = new byte[16 + 32 * targets + 28 * segments];
        list[0] = (byte)random.Next(3);
        list[1] = random.Pick<byte>(0, 0x10, 0x18);
        list[3] = (byte)(32 * targets);
        list[11] = (byte)(28 * segments);
        for (int i = 0; i < targets; i++)
        {
            byte[] designator = designators[random.Next(designators.Count)];
            Span<byte> target = list.AsSpan(16 + 32 * i, 32);
            target[0] = 0xE4;
            designator.AsSpan(0, Math.Min(designator.Length, 24)).CopyTo(target[4..]);
            target[30] = 0x02;
        }
        for (int i = 0; i < segments; i++)
        {
            Span<byte> segment = list.AsSpan(16 + 32 * targets + 28 * i, 28);
            segment[0] = 0x02;
            segment[3] = 24;
            segment[5] = (byte)random.Next(targets);
            segment[7] = (byte)random.Next(targets);
            int blocks = random.Next(65);
            segment[11] = (byte)blocks;
            BinaryPrimitives.WriteInt64BigEndian(segment[12..], random.NextInt64(capacity - blocks));
            BinaryPrimitives.WriteInt64BigEndian(segment[20..], random.NextInt64(capacity - CdbGrammar.GuardBlocks - blocks));
        }
        return Out(Sixteen(0x83, 0, 0, list.Length), list);
    }
}
