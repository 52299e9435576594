using System.Globalization;

namespace Qcow2Target.Qcow2.Tests.Hostile;

/// <summary>Bends an image in one to four places, chosen by what they mean; tells what it did.</summary>
internal sealed class Mutator(Random random)
{
    private static readonly int[] Fields32 = [0, 4, 16, 20, 32, 36, 56, 60, 96, 100];
    private static readonly int[] Fields64 = [8, 24, 40, 48, 64, 72, 80, 88, 104];
    private static readonly uint[] ExtensionTypes = [0, 0xe2792aca, 0x6803f857, 0x23852875, 0x0537be77, 0x44415441, 0x12345678];

    private readonly List<string> _done = [];

    public string Bend(BentImage image)
    {
        _done.Clear();
        for (var left = random.Next(1, 5); left > 0; left--) BendOnce(image);
        return string.Join("; ", _done);
    }

    private void BendOnce(BentImage image)
    {
        switch (random.Next(16))
        {
            case 0: Set32(image, "header", Fields32[random.Next(Fields32.Length)], Number32()); break;
            case 1: Set64(image, "header", Fields64[random.Next(Fields64.Length)], Offset(image)); break;
            case 2: Set64(image, "features", 72 + (8 * random.Next(3)), image.U64(72) ^ (1UL << random.Next(random.Next(2) == 0 ? 6 : 64))); break;
            case 3: BendExtension(image); break;
            case 4: Set64(image, "L1", image.L1 + (8 * random.Next(Math.Max(1, image.L1Entries))), Entry(image)); break;
            case 5 or 6 or 7: BendL2(image); break;
            case 8: Set64(image, "refcount table", image.RefcountTable + (8 * random.Next(4)), random.Next(2) == 0 ? Offset(image) : image.U64(image.RefcountTable)); break;
            case 9 or 10: SetByte(image, "refcount block", image.RefcountBlock + random.Next(Math.Min(image.Cluster, 2 * image.Length / image.Cluster + 16)), (byte)random.Next(256)); break;
            case 11: BendSnapshot(image); break;
            case 12: SetByte(image, "metadata", random.Next(Math.Min(image.Length, 8 * image.Cluster)), (byte)random.Next(256)); break;
            case 13: SetByte(image, "anywhere", random.Next(Math.Max(1, image.Length)), (byte)random.Next(256)); break;
            case 14: Resize(image); break;
            default: CopyEntry(image); break;
        }
    }

    private void BendExtension(BentImage image)
    {
        var at = image.Extensions + (8 * random.Next(8));
        if (random.Next(2) == 0) Set32(image, "extension type", at, ExtensionTypes[random.Next(ExtensionTypes.Length)]);
        else Set32(image, "extension length", at + 4, Number32());
        if (random.Next(3) == 0) Set64(image, "extension data", at + 8 + (8 * random.Next(3)), Offset(image));
    }

    private void BendL2(BentImage image)
    {
        if (image.L2 == 0) return;
        var at = image.L2 + (image.EntryBytes * random.Next(Math.Min(image.Cluster / image.EntryBytes, 80)));
        if (image.EntryBytes == 16 && random.Next(2) == 0) Set64(image, "bitmap", at + 8, random.Next(2) == 0 ? (ulong)random.NextInt64() : image.U64(at + 8) ^ (1UL << random.Next(64)));
        else Set64(image, "L2", at, Entry(image));
    }

    private void BendSnapshot(BentImage image)
    {
        if (image.Snapshots == 0) return;
        var field = random.Next(9) * 4;
        if (random.Next(2) == 0) Set64(image, "snapshot", image.Snapshots + field, Offset(image));
        else Set32(image, "snapshot", image.Snapshots + field, Number32());
    }

    // Two entries that name the same thing.
    private void CopyEntry(BentImage image)
    {
        var (table, width) = random.Next(3) switch
        {
            0 => (image.L1, 8),
            1 => (image.RefcountTable, 8),
            _ => (image.L2, image.EntryBytes),
        };
        if (table == 0) return;
        Set64(image, "copy", table + (width * random.Next(20)), image.U64(Math.Min(table + (width * random.Next(20)), image.Length - 8)));
    }

    private void Resize(BentImage image)
    {
        var length = random.Next(4) switch
        {
            0 => random.Next(image.Length + 1),
            1 => random.Next(200),
            2 => image.Length - random.Next(3 * image.Cluster),
            _ => image.Length + random.Next(4 * image.Cluster),
        };
        image.Resize(length);
        Note("length", 0, (ulong)Math.Max(0, length));
    }

    private ulong Entry(BentImage image) => random.Next(6) switch
    {
        0 => Offset(image) | (1UL << 62),
        1 => Offset(image) | (1UL << 63),
        2 => Offset(image) | 1,
        3 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
        4 => (1UL << 62) | ((ulong)(uint)random.Next(1 << 10) << (70 - image.ClusterBits)) | (uint)random.Next(image.Length + 1),
        _ => Offset(image),
    };

    // What lies where something is, or at an edge of what can be.
    private ulong Offset(BentImage image) => random.Next(14) switch
    {
        0 => 0,
        1 => (ulong)image.Cluster,
        2 => (ulong)image.L1,
        3 => (ulong)image.L2,
        4 => (ulong)image.RefcountTable,
        5 => (ulong)image.RefcountBlock,
        6 => (ulong)image.Length & ~(ulong)(image.Cluster - 1),
        7 => (ulong)image.Length,
        8 => (ulong)random.Next(image.Length + (4 * image.Cluster)) & ~(ulong)(image.Cluster - 1),
        9 => (ulong)random.Next(image.Length + 1),
        10 => 1UL << random.Next(64),
        11 => (1UL << random.Next(1, 64)) - (ulong)image.Cluster,
        12 => ulong.MaxValue >> random.Next(10),
        _ => (ulong)random.NextInt64(),
    };

    private uint Number32() => random.Next(8) switch
    {
        0 => 0,
        1 => (uint)random.Next(16),
        2 => 1u << random.Next(32),
        3 => (1u << random.Next(32)) - 1,
        4 => uint.MaxValue - (uint)random.Next(16),
        5 => (uint)random.Next(1 << 16),
        6 => (uint)random.Next(128),
        _ => (uint)random.NextInt64(uint.MaxValue),
    };

    private void Set32(BentImage image, string what, int offset, uint value)
    {
        image.Set32(offset, value);
        Note(what, offset, value);
    }

    private void Set64(BentImage image, string what, int offset, ulong value)
    {
        image.Set64(offset, value);
        Note(what, offset, value);
    }

    private void SetByte(BentImage image, string what, int offset, byte value)
    {
        image.Set(offset, value);
        Note(what, offset, value);
    }

    private void Note(string what, int offset, ulong value) => _done.Add(string.Create(CultureInfo.InvariantCulture, $"{what} at 0x{offset:x} = 0x{value:x}"));
}
