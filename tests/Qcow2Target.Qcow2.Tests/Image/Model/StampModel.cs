using System.Runtime.InteropServices;

namespace Qcow2Target.Qcow2.Tests.Image.Model;

/// <summary>
/// What a disk may hold, sector by sector. Each sector that is written carries its own number and a generation, so that a sector of somebody else, or
/// one that is too old, is recognised. A version is what one request made of one sector; a flush sets a floor under which nothing may be seen again.
/// </summary>
internal sealed class StampModel
{
    internal const int SectorSize = 512;

    private readonly List<Version>[] _sectors;
    private readonly List<(int Position, int[] Floors)> _flushes = [];
    private int _generation;

    /// <param name="sectors">Sectors of the disk.</param>
    /// <param name="initial">Stamp of a sector at the start; 0: zeros.</param>
    internal StampModel(int sectors, Func<int, ulong>? initial = null)
    {
        _sectors = new List<Version>[sectors];
        for (var sector = 0; sector < sectors; sector++) _sectors[sector] = [new Version(initial?.Invoke(sector) ?? 0, 0) { IsDone = true }];
    }

    internal int SectorCount => _sectors.Length;

    /// <summary>A write of <paramref name="count"/> sectors is about to be made; its bytes, and what to call when it succeeded.</summary>
    /// <param name="position">Of the file's log now.</param>
    internal (byte[] Data, Action Succeeded) BeginWrite(int sector, int count, int position)
    {
        var data = new byte[count * SectorSize];
        var generation = ++_generation;
        var versions = new Version[count];
        for (var index = 0; index < count; index++)
        {
            var stamp = Stamp(sector + index, generation);
            Fill(data.AsSpan(index * SectorSize, SectorSize), stamp);
            _sectors[sector + index].Add(versions[index] = new Version(stamp, position));
        }
        return (data, () => Array.ForEach(versions, version => version.IsDone = true));
    }

    /// <summary>A zeroing is about to be made.</summary>
    internal Action BeginZero(int sector, int count, int position)
    {
        var versions = new Version[count];
        for (var index = 0; index < count; index++) _sectors[sector + index].Add(versions[index] = new Version(0, position));
        return () => Array.ForEach(versions, version => version.IsDone = true);
    }

    /// <summary>A flush is about to be submitted; call the result when it succeeded, with the log's position then.</summary>
    internal Action<int> BeginFlush()
    {
        var floors = Array.ConvertAll(_sectors, versions => versions.FindLastIndex(version => version.IsDone));
        return position => _flushes.Add((position, floors));
    }

    /// <summary>Whether a sector of a disk that was cut at <paramref name="position"/> holds what it may. Null: yes; else what is wrong.</summary>
    internal string? Judge(int sector, ReadOnlySpan<byte> content, int position)
    {
        var floor = 0;
        foreach (var (at, floors) in _flushes) if (at <= position) floor = Math.Max(floor, floors[sector]);
        return JudgeAgainst(sector, content, floor, position);
    }

    /// <summary>Whether a reader may see this now: the last version that is done, or a later one that is not done yet.</summary>
    internal string? JudgeNow(int sector, ReadOnlySpan<byte> content) =>
        JudgeAgainst(sector, content, _sectors[sector].FindLastIndex(version => version.IsDone), int.MaxValue);

    /// <summary>After requests that failed: what a sector holds now is what it holds from now on.</summary>
    internal bool HasOpenVersions(int sector) => _sectors[sector].Exists(version => !version.IsDone);

    private string? JudgeAgainst(int sector, ReadOnlySpan<byte> content, int floor, int position)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(content);
        if (words.ContainsAnyExcept(words[0])) return $"sector {sector} is torn: {words[0]:x} .. {words[^1]:x}";
        var versions = _sectors[sector];
        for (var index = floor; index < versions.Count; index++)
            if (versions[index].Stamp == words[0] && versions[index].IssuedAt <= position) return null;
        return $"sector {sector} holds {Describe(words[0])}; allowed: {string.Join(", ", versions.Skip(floor).Select(version => Describe(version.Stamp)))}";
    }

    internal static void Fill(Span<byte> sector, ulong stamp) => MemoryMarshal.Cast<byte, ulong>(sector).Fill(stamp);

    internal static ulong Stamp(int sector, int generation) => ((ulong)generation << 32) | ((ulong)sector + 1);

    private static string Describe(ulong stamp) => stamp == 0 ? "zeros" : $"sector {(long)(stamp & 0xffffffff) - 1} generation {stamp >> 32}";

    private sealed class Version(ulong stamp, int issuedAt)
    {
        internal ulong Stamp => stamp;

        internal int IssuedAt => issuedAt;

        internal bool IsDone { get; set; }
    }
}
