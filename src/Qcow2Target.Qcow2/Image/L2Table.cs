using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// A cached L2 table. Readers look entries up without a lock, one volatile read each; only the image's writer changes them. A table
/// that is pinned stays in the cache; one that has left it is never pinned again.
/// </summary>
internal sealed class L2Table(int l1Index, HostOffset host, ulong[] entries, TableOwnership ownership)
{
    private const int Retired = -1;

    private readonly ulong[] _entries = entries;
    private int _pins;
    private volatile bool _usedLately = true;

    internal int L1Index { get; } = l1Index;

    /// <summary>Where the table lies in the file.</summary>
    internal HostOffset Host { get; } = host;

    internal TableOwnership Ownership { get; } = ownership;

    internal int Count => _entries.Length;

    internal long Bytes => (long)_entries.Length * sizeof(ulong);

    internal L2Entry this[int index] => L2Entry.FromCached(Volatile.Read(ref _entries[index]));

    /// <summary>Link: what is read from now on. The writer's alone.</summary>
    internal void Set(int index, L2Entry entry) => Volatile.Write(ref _entries[index], entry.Raw);

    /// <summary>The entries as they are now, for the writer, whose changes they are.</summary>
    internal ReadOnlySpan<ulong> Entries => _entries;

    /// <summary>Marks it as used. Written only when the mark is not there, so that readers do not fight for the cache line.</summary>
    internal void Touch()
    {
        if (!_usedLately) _usedLately = true;
    }

    /// <summary>Takes the mark of use away and tells whether it was there.</summary>
    internal bool TakeMark()
    {
        var marked = _usedLately;
        _usedLately = false;
        return marked;
    }

    /// <summary>Keeps the table in the cache until <see cref="Unpin"/>. False: it has left, load it anew.</summary>
    internal bool TryPin()
    {
        var pins = Volatile.Read(ref _pins);
        while (pins != Retired)
        {
            var seen = Interlocked.CompareExchange(ref _pins, pins + 1, pins);
            if (seen == pins) return true;
            pins = seen;
        }
        return false;
    }

    internal void Unpin() => Interlocked.Decrement(ref _pins);

    /// <summary>Takes the table out of use if nobody pins it.</summary>
    internal bool TryRetire() => Interlocked.CompareExchange(ref _pins, Retired, 0) == 0;
}

/// <summary>Whether a table may be written where it lies (COPIED in its L1 entry).</summary>
internal enum TableOwnership
{
    Owned,

    /// <summary>Something else may refer to it: copied before it is changed.</summary>
    Shared,
}
