using System.Runtime.InteropServices;

namespace Qcow2Target.Qcow2.Tests.Crash;

/// <summary>
/// What a disk may hold, sector by sector. Each sector that is written carries its own number and a generation, so that a sector of somebody else, or
/// one that is too old, is recognised. A version is what one request made of one sector; of older ones than a floor none may be seen.
/// </summary>
internal sealed class DiskHistory
{
    internal const int SectorBytes = 512;

    private readonly List<Version>[] _sectors;
    private readonly List<(int Position, int[] Floors)> _flushes = [];
    private readonly List<(int Position, int Sector, int Index)> _done = [];
    private int _generation;

    /// <param name="sectors">Sectors of the disk at its largest.</param>
    /// <param name="initial">Stamp of a sector at the start; 0: zeros.</param>
    internal DiskHistory(int sectors, Func<int, ulong> initial)
    {
        _sectors = new List<Version>[sectors];
        for (var sector = 0; sector < sectors; sector++) _sectors[sector] = [new Version(initial(sector)) { IsDone = true }];
        _generation = 1 << 20;
    }

    internal int SectorCount => _sectors.Length;

    /// <summary>A write is about to be made; its bytes, and what to call, with the position then, when it is acknowledged.</summary>
    internal (byte[] Data, Action<int> Done) BeginWrite(int sector, int count)
    {
        var data = new byte[count * SectorBytes];
        var generation = ++_generation;
        for (var index = 0; index < count; index++)
            MemoryMarshal.Cast<byte, ulong>(data.AsSpan(index * SectorBytes, SectorBytes)).Fill(Stamp(sector + index, generation));
        return (data, Begin(sector, count, index => Stamp(index, generation)));
    }

    /// <summary>A zeroing is about to be made.</summary>
    internal Action<int> BeginZero(int sector, int count) => Begin(sector, count, _ => 0);

    /// <summary>A flush is about to be submitted; to be called, with the position then, when it is acknowledged.</summary>
    internal Action<int> BeginFlush()
    {
        var floors = Array.ConvertAll(_sectors, versions => versions.FindLastIndex(version => version.IsDone));
        return position => _flushes.Add((position, floors));
    }

    /// <summary>The oldest version of each sector that a power cut may leave when so much had happened.</summary>
    internal int[] FlushedAt(int position)
    {
        var floors = new int[_sectors.Length];
        foreach (var (at, flushed) in _flushes)
            if (at <= position) for (var sector = 0; sector < floors.Length; sector++) floors[sector] = Math.Max(floors[sector], flushed[sector]);
        return floors;
    }

    /// <summary>The oldest version of each sector that a kill may leave: all that was acknowledged. To be asked for rising positions.</summary>
    internal KillFloors Acknowledged() => new(_done, _sectors.Length);

    /// <summary>Where some request wrote or zeroed, neighbours as one.</summary>
    internal List<(int First, int Count)> TouchedRanges()
    {
        var ranges = new List<(int First, int Count)>();
        for (var sector = 0; sector < _sectors.Length; sector++)
        {
            if (_sectors[sector].Count == 1) continue;
            if (ranges.Count > 0 && ranges[^1].First + ranges[^1].Count == sector) ranges[^1] = (ranges[^1].First, ranges[^1].Count + 1);
            else ranges.Add((sector, 1));
        }
        return ranges;
    }

    /// <summary>What is wrong with what stands in a sector, if no version older than the floor may be seen; null: nothing.</summary>
    internal string? Judge(int sector, ReadOnlySpan<byte> content, int floor)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(content);
        var versions = _sectors[sector];
        if (words.ContainsAnyExcept(words[0])) return $"sector {sector} is torn: {words[0]:x} .. {words[^1]:x}";
        for (var index = versions.Count - 1; index >= floor; index--)
            if (versions[index].Stamp == words[0]) return null;
        return $"sector {sector} holds {Describe(words[0])}; allowed: {string.Join(", ", versions.Skip(floor).Select(version => Describe(version.Stamp)))}";
    }

    /// <summary>The same for a reader now: the last version that is acknowledged, or a later one.</summary>
    internal string? JudgeNow(int sector, ReadOnlySpan<byte> content) => Judge(sector, content, _sectors[sector].FindLastIndex(version => version.IsDone));

    internal static ulong Stamp(int sector, int generation) => ((ulong)generation << 32) | ((ulong)sector + 1);

    private static string Describe(ulong stamp) => stamp == 0 ? "zeros" : $"sector {(long)(stamp & 0xffffffff) - 1} generation {stamp >> 32}";

    private Action<int> Begin(int sector, int count, Func<int, ulong> stamp)
    {
        var indices = new int[count];
        for (var index = 0; index < count; index++)
        {
            indices[index] = _sectors[sector + index].Count;
            _sectors[sector + index].Add(new Version(stamp(sector + index)));
        }
        return position =>
        {
            for (var index = 0; index < count; index++)
            {
                _sectors[sector + index][indices[index]].IsDone = true;
                _done.Add((position, sector + index, indices[index]));
            }
        };
    }

    private sealed class Version(ulong stamp)
    {
        internal ulong Stamp => stamp;

        internal bool IsDone { get; set; }
    }
}

/// <summary>Floors that rise with the position: what was acknowledged.</summary>
internal sealed class KillFloors(List<(int Position, int Sector, int Index)> done, int sectors)
{
    private int _next;

    internal int[] Floors { get; } = new int[sectors];

    /// <summary>Moves on. True: some floor has risen.</summary>
    internal bool MoveTo(int position)
    {
        var before = _next;
        for (; _next < done.Count && done[_next].Position <= position; _next++)
            Floors[done[_next].Sector] = Math.Max(Floors[done[_next].Sector], done[_next].Index);
        return _next != before;
    }
}
