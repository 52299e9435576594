using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// A cached L2 table. Readers look entries up without a lock: an entry of 8 bytes by one volatile read, one of 16 bytes under a sequence
/// counter. Only the image's writer changes them. A table that is pinned stays in the cache; one that has left it is never pinned again.
/// </summary>
internal sealed class L2Table
{
    private const int Retired = -1;

    private readonly ClusterGeometry _geometry;
    private readonly ulong[] _words;
    private readonly bool _isExtended;
    private int _sequence;
    private int _pins;
    private volatile bool _usedLately = true;

    /// <param name="words">What the file has (<see cref="WordsIn"/> of them), judged; kept by the table.</param>
    internal L2Table(int l1Index, HostOffset host, ulong[] words, ClusterGeometry geometry, TableOwnership ownership)
    {
        (L1Index, Host, Ownership) = (l1Index, host, ownership);
        (_words, _geometry, _isExtended) = (words, geometry, geometry.HasExtendedL2);
    }

    internal int L1Index { get; }

    /// <summary>Where the table lies in the file.</summary>
    internal HostOffset Host { get; }

    internal TableOwnership Ownership { get; }

    internal int Count => _geometry.L2EntryCount;

    internal long Bytes => (long)_words.Length * sizeof(ulong);

    internal L2Entry this[int index]
    {
        get
        {
            if (!_isExtended) return L2Entry.FromCached(Volatile.Read(ref _words[index]), 0, _geometry);
            var wait = default(SpinWait);
            while (true)
            {
                var before = Volatile.Read(ref _sequence);
                var descriptor = Volatile.Read(ref _words[2 * index]);
                var bitmap = Volatile.Read(ref _words[(2 * index) + 1]);
                // Odd: the writer is between the two words of some entry.
                if ((before & 1) == 0 && Volatile.Read(ref _sequence) == before) return L2Entry.FromCached(descriptor, bitmap, _geometry);
                wait.SpinOnce();
            }
        }
    }

    /// <summary>Link: what is read from now on. The writer's alone.</summary>
    internal void Set(int index, L2Entry entry)
    {
        if (!_isExtended)
        {
            Volatile.Write(ref _words[index], entry.DescriptorIn(_geometry));
            return;
        }
        Interlocked.Increment(ref _sequence);
        Volatile.Write(ref _words[2 * index], entry.DescriptorIn(_geometry));
        Volatile.Write(ref _words[(2 * index) + 1], entry.BitmapIn(_geometry));
        Interlocked.Increment(ref _sequence);
    }

    /// <summary>64-bit words of a table: one for each standard entry, two for each extended one.</summary>
    internal static int WordsIn(ClusterGeometry geometry) => geometry.ClusterBytes / sizeof(ulong);

    /// <summary>The words of all entries as they are now, for the writer, whose changes they are.</summary>
    internal ReadOnlySpan<ulong> Words => _words;

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
