using System.Numerics;
using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>The 512-byte sectors of one table that have to be written.</summary>
internal sealed class SectorSet(int tableBytes)
{
    private readonly ulong[] _bits = new ulong[((tableBytes / ClusterGeometry.SectorBytes) + 63) / 64];

    private readonly int _count = tableBytes / ClusterGeometry.SectorBytes;

    internal bool IsEmpty => _bits.AsSpan().IndexOfAnyExcept(0UL) < 0;

    internal bool Contains(int sector) => (_bits[sector >> 6] >> (sector & 63) & 1) != 0;

    internal void Add(int sector) => _bits[sector >> 6] |= 1UL << (sector & 63);

    internal void AddAll()
    {
        for (var sector = 0; sector < _count; sector++) Add(sector);
    }

    internal void AddAll(SectorSet other)
    {
        for (var i = 0; i < _bits.Length; i++) _bits[i] |= other._bits[i];
    }

    internal void Clear() => _bits.AsSpan().Clear();

    /// <summary>Neighbouring sectors as one: bytes from the start of the table, and how many.</summary>
    internal IEnumerable<(int Offset, int Length)> Runs()
    {
        for (var sector = Next(0); sector < _count;)
        {
            var end = sector + 1;
            while (end < _count && Contains(end)) end++;
            yield return (sector * ClusterGeometry.SectorBytes, (end - sector) * ClusterGeometry.SectorBytes);
            sector = Next(end);
        }
    }

    private int Next(int from)
    {
        for (var sector = from; sector < _count;)
        {
            var rest = _bits[sector >> 6] >> (sector & 63);
            if (rest != 0) return sector + BitOperations.TrailingZeroCount(rest);
            sector = (sector | 63) + 1;
        }
        return _count;
    }
}
