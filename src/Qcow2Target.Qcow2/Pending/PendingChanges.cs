using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>
/// What the records of a log come to: for each entry its last value, and the values it had on the way, one of which the file must have. Reads the
/// file, and changes it in <see cref="WriteTo"/> only.
/// </summary>
internal sealed class PendingChanges
{
    private readonly SortedDictionary<int, Table> _tables = [];
    private readonly ClusterGeometry _geometry;
    private string? _contradiction;

    private PendingChanges(ClusterGeometry geometry) => _geometry = geometry;

    /// <summary>Entries that the records change.</summary>
    internal int Count => _tables.Values.Sum(table => table.Entries.Count);

    internal static PendingChanges Of(IReadOnlyList<PendingRecord> records, ClusterGeometry geometry)
    {
        var changes = new PendingChanges(geometry);
        foreach (var record in records) changes.Add(record);
        return changes;
    }

    /// <summary>Why these changes and the file do not belong together; null: they do.</summary>
    /// <exception cref="BlockFileException">The file could not be read.</exception>
    internal string? FindContradiction(IBlockFile file, ImageHeader header)
    {
        if (_contradiction is not null) return _contradiction;
        var counts = new RefcountLookup(file, header, _geometry);
        var hosts = new HashSet<long>();
        foreach (var (l1Index, table) in _tables)
        {
            if (l1Index < 0 || l1Index >= header.L1Size) return $"there is no L1 entry {l1Index}";
            if (!L1Entry.TryParse(table.NewL1, _geometry, out var entry) || !entry.HasTable) return $"L1 entry {l1Index} (0x{table.NewL1:x}) is impossible";
            var stands = ReadL1(file, header, l1Index);
            if (!table.L1Values.Exists(value => ((value ^ stands) & ~PendingEntry.CopiedBit) == 0)) return $"L1 entry {l1Index} is 0x{stands:x}, which it was at no time";
            if (FindHostFault(counts, entry.TableOffset, hosts) is { } fault) return $"the L2 table of L1 entry {l1Index} {fault}";
            foreach (var (index, change) in table.Entries)
                if (FindContradiction(file, counts, entry.TableOffset, index, change, hosts) is { } why) return $"L2 entry {index} below L1 entry {l1Index} {why}";
        }
        return null;
    }

    /// <summary>True if the file has the last value of every entry.</summary>
    internal bool AreIn(IBlockFile file, ImageHeader header)
    {
        foreach (var (l1Index, table) in _tables)
        {
            if (_contradiction is not null || l1Index < 0 || l1Index >= header.L1Size || ReadL1(file, header, l1Index) != table.NewL1) return false;
            L1Entry.TryParse(table.NewL1, _geometry, out var entry);
            foreach (var (index, change) in table.Entries)
                if (index < 0 || index >= _geometry.L2EntryCount || ReadEntry(file, entry.TableOffset, index) != change.Last) return false;
        }
        return true;
    }

    /// <summary>
    /// Brings the changes to a file that they belong to: what they point to is made durable, then they are written, then they are made durable.
    /// Doing it again, or from the middle on, leads to the same.
    /// </summary>
    /// <exception cref="BlockFileException">The file reported an error.</exception>
    internal void WriteTo(IBlockFile file, ImageHeader header)
    {
        file.Sync();
        foreach (var (l1Index, table) in _tables)
        {
            L1Entry.TryParse(table.NewL1, _geometry, out var l1Entry);
            foreach (var (index, change) in table.Entries)
                if (ReadEntry(file, l1Entry.TableOffset, index) != change.Last) WriteEntry(file, l1Entry.TableOffset, index, change.Last);
            if (ReadL1(file, header, l1Index) == table.NewL1) continue;
            var bytes = new byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, table.NewL1);
            file.Write(header.L1Table.Value + ((long)l1Index * sizeof(ulong)), bytes);
        }
        file.Sync();
    }

    /// <summary>Lays the changes over an L1 table that was read.</summary>
    internal void LayOver(Span<ulong> l1)
    {
        foreach (var (l1Index, table) in _tables) l1[l1Index] = table.NewL1;
    }

    /// <summary>Lays them over the words of an L2 table that was read.</summary>
    internal void LayOver(int l1Index, Span<ulong> words)
    {
        if (!_tables.TryGetValue(l1Index, out var table)) return;
        var wordsInEntry = EntryBytes / sizeof(ulong);
        foreach (var (index, change) in table.Entries)
        {
            words[index * wordsInEntry] = change.Last.Descriptor;
            if (wordsInEntry > 1) words[(index * wordsInEntry) + 1] = change.Last.Bitmap;
        }
    }

    private int EntryBytes => _geometry.L2EntryBytes;

    private void Add(PendingRecord record)
    {
        if (!_tables.TryGetValue(record.L1Index, out var table)) _tables.Add(record.L1Index, table = new Table(record.NewL1));
        if (table.NewL1 != record.NewL1) _contradiction = $"L1 entry {record.L1Index} leads to two tables";
        table.L1Values.Add(record.OldL1);
        foreach (var change in record.Changes)
        {
            if (!table.Entries.TryGetValue(change.Index, out var entry)) table.Entries.Add(change.Index, entry = new Entry());
            entry.Values.Add(change.Old);
            entry.Values.Add(change.New);
        }
    }

    private string? FindContradiction(IBlockFile file, RefcountLookup counts, HostOffset table, int index, Entry change, HashSet<long> hosts)
    {
        if (index < 0 || index >= _geometry.L2EntryCount) return "does not exist";
        var stands = ReadEntry(file, table, index);
        if (!change.Values.Exists(stands.Matches)) return $"is 0x{stands.Descriptor:x}, which it was at no time";
        var last = change.Last.Parse(_geometry);
        if (last.Kind is L2EntryKind.Invalid or L2EntryKind.Compressed) return $"would become 0x{change.Last.Descriptor:x}, which is impossible";
        return PendingEntry.CountedHost(last, _geometry) is { } host ? FindHostFault(counts, host, hosts) : null;
    }

    private string? FindHostFault(RefcountLookup counts, HostOffset host, HashSet<long> hosts)
    {
        var cluster = host.Value >> _geometry.ClusterBits;
        if (!hosts.Add(cluster)) return $"shares host cluster {cluster} with another change";
        if (counts.IsTable(cluster)) return $"lies in host cluster {cluster}, which holds other metadata";
        return counts.Get(cluster) == 0 ? $"lies in host cluster {cluster}, which has the refcount 0" : null;
    }

    private PendingEntry ReadEntry(IBlockFile file, HostOffset table, int index)
    {
        Span<byte> bytes = stackalloc byte[2 * sizeof(ulong)];
        bytes.Clear();
        file.Read(table.Value + ((long)index * EntryBytes), bytes[..EntryBytes]);
        return new PendingEntry(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[sizeof(ulong)..]));
    }

    private void WriteEntry(IBlockFile file, HostOffset table, int index, PendingEntry entry)
    {
        Span<byte> bytes = stackalloc byte[2 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, entry.Descriptor);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[sizeof(ulong)..], entry.Bitmap);
        file.Write(table.Value + ((long)index * EntryBytes), bytes[..EntryBytes]);
    }

    private static ulong ReadL1(IBlockFile file, ImageHeader header, int index)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        file.Read(header.L1Table.Value + ((long)index * sizeof(ulong)), bytes);
        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    private sealed class Table(ulong newL1)
    {
        internal ulong NewL1 { get; } = newL1;

        internal List<ulong> L1Values { get; } = [newL1];

        internal SortedDictionary<int, Entry> Entries { get; } = [];
    }

    private sealed class Entry
    {
        internal List<PendingEntry> Values { get; } = [];

        internal PendingEntry Last => Values[^1];
    }
}
