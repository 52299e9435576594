using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>The L2 tables that the writer has to do with: each pinned in the cache from its first use to the end of its last commit.</summary>
internal sealed class WriterTables(ClusterMap map, ClusterGeometry geometry)
{
    private readonly Dictionary<int, WriterTable> _tables = [];
    private readonly HashSet<WriterTable> _changed = [];
    private readonly HashSet<int> _loading = [];
    private readonly List<WriterTable> _loaded = [];

    /// <summary>Tables that hold changes which are not in the file for sure.</summary>
    internal IReadOnlyCollection<WriterTable> Changed => _changed;

    /// <summary>Finds a table, pinned. <see cref="TableState.NotCached"/>: it has to be loaded first.</summary>
    internal TableState Find(int l1Index, out WriterTable? table)
    {
        if (_tables.TryGetValue(l1Index, out table)) return TableState.Cached;
        var state = map.Find(l1Index, out var cached);
        if (state != TableState.Cached) return state;
        if (!cached!.TryPin()) return TableState.NotCached;
        _tables.Add(l1Index, table = new WriterTable(cached, geometry, TableStanding.InFile));
        return TableState.Cached;
    }

    /// <summary>There is no such table: its range costs nothing to step over.</summary>
    internal bool IsAbsent(int l1Index) => !_tables.ContainsKey(l1Index) && map.Find(l1Index, out _) == TableState.Absent;

    /// <summary>The job that loads a table; null: it is under way.</summary>
    internal LoadWork? Load(int l1Index) => _loading.Add(l1Index) ? new LoadWork(map, l1Index) : null;

    /// <summary>A load has ended. Its table is kept until <see cref="SettleLoaded"/>, for those who waited for it.</summary>
    internal void Loaded(LoadWork work)
    {
        _loading.Remove(work.L1Index);
        if (work.Table is not { } loaded) return;
        if (_tables.ContainsKey(work.L1Index))
        {
            loaded.Unpin();
            return;
        }
        var table = new WriterTable(loaded, geometry, TableStanding.InFile);
        _tables.Add(work.L1Index, table);
        _loaded.Add(table);
    }

    internal void SettleLoaded()
    {
        foreach (var table in _loaded) Settle(table);
        _loaded.Clear();
    }

    /// <summary>A table that nothing points to yet: empty, or the copy of one that is shared. Readers see it from <see cref="Publish"/> on.</summary>
    internal WriterTable Create(int l1Index, HostOffset host, WriterTable? original)
    {
        var words = original is null ? new ulong[L2Table.WordsIn(geometry)] : original.Table.Words.ToArray();
        var table = new L2Table(l1Index, host, words, geometry, TableOwnership.Owned);
        table.TryPin();
        var created = new WriterTable(table, geometry, TableStanding.New) { Original = original, IsPreparing = true };
        _tables[l1Index] = created;
        return created;
    }

    /// <summary>Readers see the new table from now on.</summary>
    internal void Publish(WriterTable table)
    {
        map.Replace(table.Table);
        if (table.Original is { } original) original.Table.Unpin();
    }

    /// <summary>The new table never came to be.</summary>
    internal void Undo(WriterTable table)
    {
        _tables.Remove(table.Table.L1Index);
        if (table.Original is { } original) _tables.Add(table.Table.L1Index, original);
    }

    /// <summary>An entry of this table differs from the file.</summary>
    internal void Change(WriterTable table, int index)
    {
        table.Dirty.Add(table.SectorOf(index));
        _changed.Add(table);
    }

    /// <summary>True if changing this table would hold more than may wait for a commit.</summary>
    internal bool WouldHoldTooMuch(WriterTable? table)
    {
        if (table is not null && _changed.Contains(table)) return false;
        return _changed.Count >= WriterLimits.MinDirtyTables && (_changed.Count + 1L) * geometry.ClusterBytes > WriterLimits.MaxDirtyBytes;
    }

    /// <summary>Lets a table go if nothing is to be done with it.</summary>
    internal void Settle(WriterTable table)
    {
        if (table.IsCommitting || table.Standing != TableStanding.InFile || !table.Dirty.IsEmpty) return;
        _changed.Remove(table);
        if (table.Users > 0 || table.IsPreparing) return;
        // A shared table that a copy has taken the place of is let go when readers see the copy.
        if (!_tables.TryGetValue(table.Table.L1Index, out var current) || current != table) return;
        _tables.Remove(table.Table.L1Index);
        table.Table.Unpin();
    }
}
