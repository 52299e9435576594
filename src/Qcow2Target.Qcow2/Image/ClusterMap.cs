using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What <see cref="ClusterMap.Find"/> knows of an L2 table without reading the file.</summary>
internal enum TableState
{
    Cached,

    /// <summary>There is none: the whole range is unallocated.</summary>
    Absent,

    /// <summary>It lies in the file; <see cref="ClusterMap.Load"/> fetches it.</summary>
    NotCached,
}

/// <summary>
/// The L1 table and the cached L2 tables of one image. Looking up is lock-free; loading takes a lock for a group of tables, because a
/// table that was read before the writer changed, committed and dropped it must not come back.
/// </summary>
internal sealed class ClusterMap : ICacheTenant, IDisposable
{
    private const int PageBits = 10;
    private const int LoadLocks = 64;

    private readonly ClusterGeometry _geometry;
    private readonly IBlockFile _file;
    private readonly MappingRules _rules;
    private readonly CacheBudget _budget;
    private readonly PendingChanges? _pending;
    private readonly Lock[] _loading;
    private readonly Lock _clockLock = new();
    private readonly List<L2Table> _clock = [];
    private volatile Level _level;
    private int _hand;

    private ClusterMap(ClusterGeometry geometry, IBlockFile file, MappingRules rules, CacheBudget budget, HostOffset l1Host, ulong[] l1, PendingChanges? pending)
    {
        _pending = pending;
        _geometry = geometry;
        _file = file;
        _rules = rules;
        _budget = budget;
        L1Host = l1Host;
        _level = new Level(l1, new L2Table?[]?[(l1.Length >> PageBits) + 1]);
        _loading = new Lock[LoadLocks];
        for (var i = 0; i < LoadLocks; i++) _loading[i] = new Lock();
        budget.Enter(this);
    }

    /// <summary>Reads the L1 table.</summary>
    /// <param name="pending">Changes that the file does not have: seen as if it had them.</param>
    /// <exception cref="Qcow2FormatException">It lies beyond the end of the file.</exception>
    internal static ClusterMap ReadFrom(IBlockFile file, ImageHeader header, ClusterGeometry geometry, MappingRules rules, CacheBudget budget, PendingChanges? pending = null)
    {
        var bytes = (long)header.L1Size * sizeof(ulong);
        if (geometry.ClustersIn(header.L1Table.Value + bytes) > geometry.ClustersIn(file.Length))
            throw new Qcow2FormatException(Qcow2FormatError.Malformed, 40, $"L1 table at {header.L1Table} lies beyond the end of the file");
        var l1 = new ulong[header.L1Size];
        file.Read(header.L1Table.Value, MemoryMarshal.AsBytes(l1.AsSpan()));
        if (BitConverter.IsLittleEndian) BinaryPrimitives.ReverseEndianness(l1, l1);
        pending?.LayOver(l1);
        // COPIED with the offset 0 is no table either; with one form of "none" a lookup need not parse.
        for (var i = 0; i < l1.Length; i++)
            if (L1Entry.TryParse(l1[i], geometry, out var entry) && !entry.HasTable) l1[i] = 0;
        return new ClusterMap(geometry, file, rules, budget, header.L1Table, l1, pending);
    }

    /// <summary>Entries of the L1 table, those beyond the virtual size included.</summary>
    internal int L1Count => _level.L1.Length;

    /// <summary>Where the L1 table lies. The writer's, who moves it.</summary>
    internal HostOffset L1Host { get; private set; }

    /// <summary>An L1 entry as the file has it since the last commit.</summary>
    internal ulong L1Raw(int index) => Volatile.Read(ref _level.L1[index]);

    /// <summary>After a commit: the file now has this entry. The writer's.</summary>
    internal void SetL1(int index, L1Entry entry) => Volatile.Write(ref _level.L1[index], entry.Raw);

    /// <summary>
    /// The writer's: the L1 table lies elsewhere and has more entries, the new ones empty. A lookup that has begun goes on in the arrays it
    /// has seen, where it finds what was there before; the cached tables below are the same.
    /// </summary>
    internal void MoveL1(HostOffset host, int entries)
    {
        // Pages are added under this lock: none is lost between the copy and the exchange.
        lock (_clockLock)
        {
            var (l1, pages) = (new ulong[entries], new L2Table?[]?[(entries >> PageBits) + 1]);
            _level.L1.CopyTo(l1, 0);
            _level.Pages.CopyTo(pages, 0);
            _level = new Level(l1, pages);
        }
        L1Host = host;
    }

    /// <summary>Looks a table up. Lock-free, no allocation.</summary>
    internal TableState Find(int l1Index, out L2Table? table)
    {
        // First the cache, then the L1 entry: a table that is new stands in the cache before its entry does.
        var level = _level;
        var page = Volatile.Read(ref level.Pages[l1Index >> PageBits]);
        table = page is null ? null : Volatile.Read(ref page[l1Index & ((1 << PageBits) - 1)]);
        if (table is not null)
        {
            table.Touch();
            return TableState.Cached;
        }
        return Volatile.Read(ref level.L1[l1Index]) == 0 ? TableState.Absent : TableState.NotCached;
    }

    /// <summary>The table, from the cache or from the file; null: there is none. Waits for the file.</summary>
    /// <exception cref="ImageFaultException">The L1 entry is impossible, or the file reported an error.</exception>
    internal L2Table? Load(int l1Index)
    {
        if (LoadPinned(l1Index) is not { } table) return null;
        table.Unpin();
        return table;
    }

    /// <summary>The same, and the table stays in the cache until it is unpinned, however full the cache is.</summary>
    internal L2Table? LoadPinned(int l1Index)
    {
        lock (_loading[l1Index % LoadLocks])
        {
            if (Find(l1Index, out var table) == TableState.Cached && table!.TryPin()) return table;
            var fileLength = _rules.FileLength;
            if (!L1Entry.TryParse(L1Raw(l1Index), _geometry, out var entry) || (entry.HasTable && !_rules.AllowsTable(entry.TableOffset, fileLength)))
                throw Faults.Read($"L1 entry {l1Index} (0x{L1Raw(l1Index):x}) is impossible");
            if (!entry.HasTable) return null;
            table = new L2Table(l1Index, entry.TableOffset, ReadWords(l1Index, entry.TableOffset, fileLength), _geometry, _rules.IsOwned(entry) ? TableOwnership.Owned : TableOwnership.Shared);
            table.TryPin();
            _budget.CountLoad();
            Publish(table);
            return table;
        }
    }

    /// <summary>
    /// Every table that is read from the file is judged anew: for when the rules have changed. Nothing may be pinned but by loads under way;
    /// what those have judged by the old rules goes, too.
    /// </summary>
    internal void Forget()
    {
        foreach (var loading in _loading)
        {
            lock (loading)
            {
                // Whoever loads from here on sees the new rules.
            }
        }
        lock (_clockLock)
        {
            foreach (var table in _clock)
            {
                Interlocked.CompareExchange(ref Slot(table.L1Index), null, table);
                _budget.Refund(table.Bytes);
            }
            _clock.Clear();
            _hand = 0;
        }
    }

    /// <summary>The writer's: a table that is new, or the copy of a shared one, takes its place. It must be pinned.</summary>
    internal void Replace(L2Table table)
    {
        lock (_loading[table.L1Index % LoadLocks]) Publish(table);
    }

    public long TryEvict()
    {
        lock (_clockLock)
        {
            for (var steps = _clock.Count; steps > 0; steps--)
            {
                if (_hand >= _clock.Count) _hand = 0;
                var table = _clock[_hand];
                if (table.TakeMark() || !table.TryRetire())
                {
                    _hand++;
                    continue;
                }
                _clock[_hand] = _clock[^1];
                _clock.RemoveAt(_clock.Count - 1);
                Interlocked.CompareExchange(ref Slot(table.L1Index), null, table);
                return table.Bytes;
            }
            return 0;
        }
    }

    /// <summary>Gives all that it holds back to the budget.</summary>
    public void Dispose()
    {
        _budget.Leave(this);
        lock (_clockLock)
        {
            foreach (var table in _clock) _budget.Refund(table.Bytes);
            _clock.Clear();
        }
    }

    private ulong[] ReadWords(int l1Index, HostOffset host, long fileLength)
    {
        var words = new ulong[L2Table.WordsIn(_geometry)];
        try
        {
            _file.Read(host.Value, MemoryMarshal.AsBytes(words.AsSpan()));
        }
        catch (BlockFileException exception)
        {
            throw new ImageFaultException(Faults.From(exception, ImageFaultKind.ReadError));
        }
        if (BitConverter.IsLittleEndian) BinaryPrimitives.ReverseEndianness(words, words);
        _pending?.LayOver(l1Index, words);
        var step = _geometry.L2EntryBytes / sizeof(ulong);
        var guest = (long)l1Index << _geometry.L1Shift;
        for (var i = 0; i < words.Length; i += step, guest += _geometry.ClusterBytes)
        {
            ref var bitmap = ref words[i + step - 1];
            if ((words[i] | bitmap) == 0) continue;
            var entry = _rules.Judge(words[i], bitmap, guest, fileLength);
            if (step == 2) bitmap = entry.BitmapIn(_geometry);
            words[i] = entry.DescriptorIn(_geometry);
        }
        return words;
    }

    private void Publish(L2Table table)
    {
        L2Table? old;
        lock (_clockLock)
        {
            old = Interlocked.Exchange(ref Slot(table.L1Index), table);
            // What an eviction has retired is no longer on the clock and no longer paid for.
            if (old is not null && !_clock.Remove(old)) old = null;
            _clock.Add(table);
        }
        if (old is not null) _budget.Refund(old.Bytes);
        _budget.Charge(table.Bytes);
    }

    // Only under the lock of the clock.
    private ref L2Table? Slot(int l1Index)
    {
        ref var page = ref _level.Pages[l1Index >> PageBits];
        if (Volatile.Read(ref page) is null) Interlocked.CompareExchange(ref page, new L2Table?[1 << PageBits], null);
        return ref page![l1Index & ((1 << PageBits) - 1)];
    }

    /// <summary>The L1 entries, and the cached tables by page: replaced as one when the disk grows.</summary>
    private sealed class Level(ulong[] l1, L2Table?[]?[] pages)
    {
        internal readonly ulong[] L1 = l1;
        internal readonly L2Table?[]?[] Pages = pages;
    }
}
