using System.Buffers.Binary;
using static Qcow2Target.Testing.Fuzzing.CdbForms;

namespace Qcow2Target.Testing.Fuzzing;

/// <summary>Valid commands that read and write blocks (SBC-3). Writes leave the guarded blocks at the end alone, unless they take all of the medium.</summary>
internal sealed class MediumCommands(RandomSource random, long capacity)
{
    private const int WholeMediumOdds = 300;
    private const int MostBlocks = 300;
    private const int BlockBytes = MediumChanges.BlockBytes;

    public FuzzCommand Next()
    {
        if (random.Once(WholeMediumOdds)) return WholeMedium();
        return random.Next(20) switch
        {
            0 or 1 or 2 or 3 => Read(),
            4 or 5 or 6 or 7 => Write(random.Pick<byte>(0x0A, 0x2A, 0xAA, 0x8A), DpoFua()),
            8 => Write(random.Pick<byte>(0x2E, 0xAE, 0x8E), (byte)random.Pick(0, 2, 6)),
            9 => Write(0x8B, DpoFua()),
            10 or 11 => Verify(),
            12 => WriteSame(),
            13 or 14 => Unmap(),
            15 or 16 => CompareAndWrite(),
            17 => Flush(),
            18 => GetLbaStatus(),
            _ => PreFetch(),
        };
    }

    private FuzzCommand Read()
    {
        (long lba, int blocks) = Look(MostBlocks);
        switch (random.Next(4))
        {
            case 0:
                blocks = blocks % 256 is var few and not 0 ? few : 1;
                return In(Six(0x08, (byte)((lba >> 16) & 0x1F), (byte)(lba >> 8), (byte)lba, (byte)blocks), blocks * BlockBytes);
            case 1: return In(Ten(0x28, DpoFua(), lba, blocks), blocks * BlockBytes);
            case 2: return In(Twelve(0xA8, DpoFua(), lba, blocks), blocks * BlockBytes);
            default: return In(Sixteen(0x88, DpoFua(), lba, blocks), blocks * BlockBytes);
        }
    }

    private FuzzCommand Write(byte opcode, byte flags)
    {
        (long lba, int blocks) = Place(opcode == 0x0A ? 255 : MostBlocks);
        if (opcode == 0x0A)
        {
            blocks = Math.Max(1, blocks);
            lba = Math.Max(0, lba - 1);
        }
        byte[] cdb = opcode switch
        {
            0x0A => Six(opcode, (byte)((lba >> 16) & 0x1F), (byte)(lba >> 8), (byte)lba, (byte)blocks),
            0x2A or 0x2E => Ten(opcode, flags, lba, blocks),
            0xAA or 0xAE => Twelve(opcode, flags, lba, blocks),
            _ => Sixteen(opcode, flags, lba, blocks),
        };
        return Out(cdb, Data(blocks * BlockBytes));
    }

    private FuzzCommand Verify()
    {
        (long lba, int blocks) = Look(64);
        int bytes = random.Next(3) switch { 0 => 0, 1 => blocks * BlockBytes, _ => BlockBytes };
        byte check = (byte)(bytes == 0 ? 0 : bytes == BlockBytes && random.Once(2) ? 6 : 2);
        byte[] cdb = random.Next(3) switch
        {
            0 => Ten(0x2F, check, lba, blocks),
            1 => Twelve(0xAF, check, lba, blocks),
            _ => Sixteen(0x8F, check, lba, blocks),
        };
        return Out(cdb, Data(bytes));
    }

    private FuzzCommand WriteSame()
    {
        (long lba, int blocks) = Place(random.Once(4) ? 2000 : MostBlocks);
        blocks = Math.Max(1, blocks);
        lba = Math.Max(0, lba - 1);
        byte unmap = (byte)(random.Once(2) ? 0x08 : 0);
        if (random.Once(2)) return Out(Ten(0x41, unmap, lba, blocks), Data(BlockBytes));
        bool withoutData = random.Once(3);
        return Out(Sixteen(0x93, (byte)(unmap | (withoutData ? 1 : 0)), lba, blocks), withoutData ? [] : Data(BlockBytes));
    }

    private FuzzCommand Unmap()
    {
        int count = random.Pick(0, 1, 1, 1, 2, 5);
        byte[] list = new byte[8 + 16 * count];
        BinaryPrimitives.WriteUInt16BigEndian(list, (ushort)(list.Length - 2));
        BinaryPrimitives.WriteUInt16BigEndian(list.AsSpan(2), (ushort)(list.Length - 8));
        for (int i = 0; i < count; i++)
        {
            (long lba, int blocks) = Place(1024);
            BinaryPrimitives.WriteInt64BigEndian(list.AsSpan(8 + 16 * i), lba);
            BinaryPrimitives.WriteInt32BigEndian(list.AsSpan(16 + 16 * i), blocks);
        }
        return Out(Ten(0x42, 0, 0, list.Length), list);
    }

    private FuzzCommand CompareAndWrite()
    {
        (long lba, int blocks) = Place(32);
        byte[] cdb = Sixteen(0x89, DpoFua(), lba, 0);
        cdb[13] = (byte)blocks;
        byte[] data = new byte[2 * blocks * BlockBytes];
        if (random.Once(2)) Data(blocks * BlockBytes).CopyTo(data, data.Length / 2);
        return Out(cdb, data);
    }

    private FuzzCommand Flush()
    {
        (long lba, int blocks) = Look(64);
        byte immediate = (byte)(random.Once(3) ? 2 : 0);
        return Out(random.Once(2) ? Ten(0x35, immediate, lba, blocks) : Sixteen(0x91, immediate, lba, blocks), []);
    }

    private FuzzCommand GetLbaStatus()
    {
        int allocation = random.Pick(0, 8, 24, 40, 512, 4096);
        return In(Sixteen(0x9E, 0x12, Look(8).Lba, allocation), allocation);
    }

    private FuzzCommand PreFetch()
    {
        (long lba, int blocks) = Look(64);
        return Out(random.Once(2) ? Ten(0x34, 0, lba, blocks) : Sixteen(0x90, 0, lba, blocks), []);
    }

    private FuzzCommand WholeMedium()
    {
        switch (random.Next(4))
        {
            case 0:
                return Out(Six(0x04), []);
            case 1:
                return Out(Ten(0x48, (byte)(2 | (random.Once(2) ? 0x80 : 0)), 0, 0), []);
            case 2:
                byte[] pattern = [1, 0, 0, 4, .. random.Bytes(4)];
                return Out(Ten(0x48, (byte)(1 | (random.Once(2) ? 0x80 : 0)), 0, pattern.Length), pattern);
            default:
                return Out(Sixteen(0x93, 0x08, random.NextInt64(capacity), 0), new byte[BlockBytes]);
        }
    }

    /// <summary>A place that may change, and a length that ends before the guarded blocks.</summary>
    private (long Lba, int Blocks) Place(int most)
    {
        int blocks = Math.Min(random.Pick(0, 1, 1, 1, 2, 7, 8, 16, 64, random.Next(most + 1)), most);
        return (random.NextInt64(1, capacity - CdbGrammar.GuardBlocks - blocks), blocks);
    }

    /// <summary>A place to look at: mostly on the disk, sometimes at its end and beyond.</summary>
    private (long Lba, int Blocks) Look(int most) => random.Once(12)
        ? (capacity - random.Next(-2, 3), random.Next(3))
        : (random.NextInt64(capacity - most + 1), random.Once(4) ? most : random.Next(9));

    private byte[] Data(int bytes)
    {
        byte[] data = new byte[bytes];
        if (random.Once(6)) return data;
        data.AsSpan().Fill((byte)random.Next(256));
        if (bytes >= 8) BinaryPrimitives.WriteInt64BigEndian(data, random.NextInt64());
        return data;
    }

    private byte DpoFua() => random.Once(4) ? random.Pick<byte>(0x08, 0x10, 0x18) : (byte)0;
}
