using System.Runtime.InteropServices;

namespace Qcow2Target.EndToEnd.Tests.Load;

/// <summary>
/// What a verified block of 4096 bytes holds: each of its sectors of 512 bytes names disk, block, sector and generation, and fills its
/// rest from them, so that a sector in the wrong place, of another disk or torn in itself is seen.
/// </summary>
internal static class BlockStamp
{
    public const int BlockBytes = 4096;
    public const int SectorBytes = 512;
    public const int SectorsPerBlock = BlockBytes / SectorBytes;

    public static void Write(Span<byte> block, int disk, int number, uint generation)
    {
        for (int sector = 0; sector < SectorsPerBlock; sector++)
        {
            Span<ulong> words = Words(block, sector);
            words[0] = Identity(disk, number, sector);
            for (int i = 1; i < words.Length; i++) words[i] = Word(words[0], generation, i);
        }
    }

    /// <summary>Reads one sector that must be whole.</summary>
    /// <returns>The generation; null where the sector is all zeros.</returns>
    /// <exception cref="InvalidDataException">Neither zeros nor what <see cref="Write"/> makes for this place.</exception>
    public static uint? Read(ReadOnlySpan<byte> block, int disk, int number, int sector)
    {
        ReadOnlySpan<ulong> words = Words(block, sector);
        if (!words.ContainsAnyExcept(0ul)) return null;
        uint? generation = GenerationOf(words[1], disk, number, sector, 1);
        for (int i = 0; i < words.Length; i++)
        {
            if (words[i] == 0 || (i > 0 && GenerationOf(words[i], disk, number, sector, i) != generation) || (i == 0 && words[0] != Identity(disk, number, sector)))
                throw Foreign(words[i], disk, number, sector, i);
        }
        return generation;
    }

    /// <summary>
    /// Reads one sector on which a write is in flight: the page cache lets a read see parts of both. The generation of each word, null for zeros.
    /// </summary>
    /// <exception cref="InvalidDataException">A word is of no generation of this place.</exception>
    public static IEnumerable<uint?> ReadMixed(ReadOnlyMemory<byte> block, int disk, int number, int sector)
    {
        for (int i = 1; i < SectorBytes / sizeof(ulong); i++) yield return GenerationOf(Words(block.Span, sector)[i], disk, number, sector, i);
    }

    private static uint? GenerationOf(ulong word, int disk, int number, int sector, int i)
    {
        if (word == 0) return null;
        ulong generation = word ^ Word(Identity(disk, number, sector), 0, i);
        return (uint)generation == 0 ? (uint)(generation >> 32) : throw Foreign(word, disk, number, sector, i);
    }

    private static InvalidDataException Foreign(ulong word, int disk, int number, int sector, int i) =>
        new($"disk {disk} block {number} sector {sector} word {i}: foreign or torn: {Name(word)}");

    private static ReadOnlySpan<ulong> Words(ReadOnlySpan<byte> block, int sector) =>
        MemoryMarshal.Cast<byte, ulong>(block.Slice(sector * SectorBytes, SectorBytes));

    private static Span<ulong> Words(Span<byte> block, int sector) => MemoryMarshal.Cast<byte, ulong>(block.Slice(sector * SectorBytes, SectorBytes));

    // The top bit is never 0, so that a stamped sector is never all zeros.
    private static ulong Identity(int disk, int number, int sector) => 1ul << 63 | (ulong)(uint)disk << 40 | (ulong)(uint)sector << 36 | (uint)number;

    private static ulong Word(ulong identity, uint generation, int i) => (identity * 0x9E3779B97F4A7C15ul + (ulong)i) ^ (ulong)generation << 32;

    private static string Name(ulong word0) => word0 >> 63 == 1
        ? $"of disk {(word0 >> 40) & 0x7FFFFF} block {(uint)word0} sector {(word0 >> 36) & 0xF}"
        : $"0x{word0:x16}";
}
