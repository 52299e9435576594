using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Check;

/// <summary>Whether the refcount table and its blocks are part of what is counted and compared.</summary>
internal enum RefcountStructures
{
    Included,

    /// <summary>For an image that is to get new ones: not even read.</summary>
    Ignored,
}

/// <summary>
/// Reads all metadata of an image once and counts how often each host cluster is used: by the header, the active layer, every snapshot, the
/// refcounts themselves, and what else the format knows. Reports each contradiction and goes on. The one place where references are counted:
/// an attach, a check and a repair differ in what they do with what is found.
/// </summary>
internal sealed class ReferenceWalk
{
    private readonly ImageHeader _header;
    private readonly ClusterGeometry _geometry;
    private readonly IBlockFile _file;
    private readonly Action<CheckFinding> _report;
    private readonly MappingReferences _mappings;
    private readonly TableReferences _tables = new();
    private readonly List<(long First, long End)> _unreadable = [];
    private readonly ClusterSet _ownable;
    private readonly RefcountStructures _structures;
    private readonly long _fileLength;

    /// <param name="report">Takes each finding; what it throws ends the walk.</param>
    /// <exception cref="Qcow2FormatException">With <see cref="Qcow2FormatError.LimitExceeded"/>: the file is too large to be counted.</exception>
    internal ReferenceWalk(ImageHeader header, ClusterGeometry geometry, IBlockFile file, Action<CheckFinding> report, RefcountStructures structures = RefcountStructures.Included)
    {
        _structures = structures;
        _header = header;
        _geometry = geometry;
        _file = file;
        _report = report;
        _fileLength = file.Length;
        FileClusters = geometry.ClustersIn(_fileLength);
        RequireBelow(FileClusters, WriterLimits.MaxScannedClusters, "host clusters", "scanned-clusters");
        // What ends the file may be rounded up into a cluster that does not exist.
        Used = new ReferenceCounts(FileClusters + 1);
        _ownable = new ClusterSet(FileClusters + 1);
        Metadata = new MetadataMap(geometry);
        Refcounts = new RefcountTable(geometry, header.RefcountTable, header.RefcountTableClusters);
        _mappings = new MappingReferences(geometry, this, report);
    }

    /// <summary>Host clusters of the file, the last perhaps in part.</summary>
    internal long FileClusters { get; }

    internal long FileLength => _fileLength;

    /// <summary>Where all metadata lies.</summary>
    internal MetadataMap Metadata { get; }

    /// <summary>The counts as they stand in the file.</summary>
    internal RefcountTable Refcounts { get; }

    /// <summary>The counts as they should be.</summary>
    internal ReferenceCounts Used { get; }

    /// <summary>Clusters that an entry of the active layer calls its own and that are not counted exactly once; null: none.</summary>
    internal ClusterSet? NotExclusive { get; private set; }

    /// <summary>True: an entry of the active layer points to the cluster that carries COPIED, or has to as soon as the count is 1.</summary>
    internal bool IsOwnable(long cluster) => _ownable.Contains(cluster);

    /// <summary>False: clusters that nothing known uses may be in use by what is not known, or was given up and still has a name.</summary>
    internal bool KnowsAllUses
    {
        get
        {
            var countsBitmaps = ((AutoclearFeatures)_header.Autoclear).HasFlag(AutoclearFeatures.Bitmaps);
            return (_header.Autoclear & ~(ulong)(AutoclearFeatures.Bitmaps | AutoclearFeatures.RawDataFile)) == 0
                && _header.Extensions.All(extension => extension.IsKnown && (countsBitmaps || extension.Type != HeaderExtensionType.Bitmaps));
        }
    }

    /// <summary>All L2 tables, in the order of the file; to be asked when the walk is over.</summary>
    internal List<TableUse> Tables { get; private set; } = [];

    /// <summary>Counts. Yields after each piece of work that is bounded by a table: the bytes read so far.</summary>
    /// <exception cref="Qcow2FormatException">The snapshot table cannot be read, or there is more than is looked at.</exception>
    /// <exception cref="BlockFileException">The file could not be read.</exception>
    internal IEnumerable<long> Steps()
    {
        long read = 0;
        Claim(0, _geometry.ClusterBytes, MetadataKind.Header, 0, 0, "header");
        if (_structures == RefcountStructures.Included)
            foreach (var bytes in LoadCounts()) yield return read += bytes;

        CollectTables(_header.L1Table.Value, _header.L1Size, MetadataKind.L1Table, 40, "active L1 table");
        yield return read += (long)_header.L1Size * sizeof(ulong);
        foreach (var bytes in CollectSnapshots()) yield return read += bytes;
        foreach (var bytes in new ForeignReferences(_header, _geometry, _file, this, _report).Steps()) yield return read += bytes;

        // All tables are claimed before a mapping is looked at, so that one that points into a table is seen whichever comes first in the file.
        Tables = _tables.Tables();
        foreach (var table in Tables)
        {
            var kind = table is { Active: 1, Total: 1 } ? MetadataKind.L2Table : MetadataKind.SharedL2Table;
            Claim(table.Cluster << _geometry.ClusterBits, _geometry.ClusterBytes, kind, table.Where, (ulong)table.Cluster << _geometry.ClusterBits, "L2 table", table.Total);
        }
        foreach (var bytes in CountMappings()) yield return read += bytes;
        if (_structures == RefcountStructures.Included)
            foreach (var _ in Compare()) yield return read;
    }

    /// <summary>Counts a range as used. False: it lies beyond the end of the file, and is not counted.</summary>
    /// <param name="where">Byte of the file where the pointer stands, and <paramref name="raw"/> its value.</param>
    internal bool Count(long offset, long bytes, long where, ulong raw, string subject, int times = 1)
    {
        if (offset > _fileLength || offset + bytes - _fileLength >= _geometry.ClusterBytes)
        {
            _report(new CheckFinding(CheckFindingKind.BeyondEnd, where, raw, 0, subject));
            return false;
        }
        var last = (offset + bytes - 1) >> _geometry.ClusterBits;
        for (var cluster = offset >> _geometry.ClusterBits; cluster <= last; cluster++) Used.Add(cluster, times);
        return true;
    }

    /// <summary>Counts a range, and marks it as the place of metadata.</summary>
    internal bool Claim(long offset, long bytes, MetadataKind kind, long where, ulong raw, string subject, int times = 1)
    {
        if (bytes == 0) return true;
        if (!Count(offset, bytes, where, raw, subject, times)) return false;
        var first = offset >> _geometry.ClusterBits;
        if (Metadata.Claim(first, ((offset + bytes - 1) >> _geometry.ClusterBits) - first + 1, kind) is not null)
            _report(new CheckFinding(CheckFindingKind.Overlap, where, raw, 0, subject));
        return true;
    }

    /// <summary>The count of a cluster as the file has it; null: its refcount block cannot be found.</summary>
    internal ulong? Stored(long cluster)
    {
        foreach (var (first, end) in _unreadable)
            if (cluster >= first && cluster < end) return null;
        return Refcounts.Get(cluster);
    }

    /// <summary>An entry of the active layer: does its COPIED say whether the count is 1?</summary>
    internal void JudgeCopied(long cluster, bool isCopied, long where, ulong raw, string subject)
    {
        _ownable.Add(cluster);
        if (_structures == RefcountStructures.Ignored || Stored(cluster) is not { } count || (count == 1) == isCopied) return;
        if (isCopied) (NotExclusive ??= new ClusterSet(FileClusters + 1)).Add(cluster);
        _report(new CheckFinding(CheckFindingKind.CopiedMismatch, where, raw, count, subject));
    }

    internal static void RequireBelow(long value, long most, string what, string limit)
    {
        if (value > most) throw new Qcow2FormatException(Qcow2FormatError.LimitExceeded, 0, $"{value} {what} are more than {most} (limit {limit}): the image can only be opened read-only");
    }

    private IEnumerable<long> LoadCounts()
    {
        var bytes = (long)_header.RefcountTableClusters << _geometry.ClusterBits;
        if (!Claim(_header.RefcountTable.Value, bytes, MetadataKind.RefcountTable, ImageHeader.RefcountTableField, (ulong)_header.RefcountTable.Value, CheckFinding.RefcountTableSubject)) yield break;
        var table = ReadTable(_header.RefcountTable.Value, (int)(bytes / sizeof(ulong)));
        yield return bytes;
        long held = 0;
        for (var i = 0; i < table.Length; i++)
        {
            if (table[i] == 0) continue;
            var where = _header.RefcountTable.Value + ((long)i * sizeof(ulong));
            if (!RefcountTableEntry.TryParse(table[i], _geometry, out var entry))
            {
                _report(new CheckFinding(CheckFindingKind.ImpossibleEntry, where, table[i], 0, CheckFinding.RefcountEntrySubject));
                var first = (long)i * _geometry.RefcountsPerBlock;
                _unreadable.Add((first, first + _geometry.RefcountsPerBlock));
                if (first < FileClusters && IsUnreadable(table[i])) _report(new CheckFinding(CheckFindingKind.UnreadableCounts, where, table[i], 0, CheckFinding.RefcountEntrySubject));
                continue;
            }
            if (!Claim(entry.Block.Value, _geometry.ClusterBytes, MetadataKind.RefcountBlock, where, table[i], CheckFinding.RefcountBlockSubject)) continue;
            RequireBelow(held += _geometry.ClusterBytes, WriterLimits.MaxRefcountBytes, "bytes of refcounts", "refcount-bytes");
            var block = new byte[_geometry.ClusterBytes];
            _file.Read(entry.Block.Value, block);
            Refcounts.Load(i, entry.Block, block);
            yield return block.Length;
        }
    }

    // Reserved bits alone do not hide the block from QEMU; an offset inside a cluster, or one that is no file offset, does.
    private bool IsUnreadable(ulong raw) => !_geometry.IsClusterAligned(raw & ~0x1ffUL) || (raw & ~0x1ffUL) > long.MaxValue;

    private void CollectTables(long offset, int count, MetadataKind kind, long where, string subject)
    {
        if (count == 0 || !Claim(offset, (long)count * sizeof(ulong), kind, where, (ulong)offset, subject)) return;
        var isActive = kind == MetadataKind.L1Table;
        var entries = ReadTable(offset, count);
        for (var i = 0; i < entries.Length; i++)
        {
            if (entries[i] == 0) continue;
            var at = offset + ((long)i * sizeof(ulong));
            if (!L1Entry.TryParse(entries[i], _geometry, out var entry))
            {
                _report(new CheckFinding(CheckFindingKind.ImpossibleEntry, at, entries[i], 0, "L1 entry"));
                continue;
            }
            if (!entry.HasTable)
            {
                _report(new CheckFinding(CheckFindingKind.StrayCopied, at, entries[i], 0, "L1 entry"));
                continue;
            }
            // As a read of it is refused, too: not one byte of the table is there.
            if (entry.TableOffset.Value >= _fileLength)
            {
                _report(new CheckFinding(CheckFindingKind.BeyondEnd, at, entries[i], 0, "L1 entry"));
                continue;
            }
            var cluster = entry.TableOffset.Value >> _geometry.ClusterBits;
            _tables.Add(cluster, at, isActive);
            if (isActive) JudgeCopied(cluster, entry.IsCopied, at, entries[i], "L1 entry");
        }
    }

    private IEnumerable<long> CollectSnapshots()
    {
        if (_header.SnapshotCount == 0) yield break;
        var table = SnapshotTable.ReadFrom(_file, _header);
        Claim(_header.Snapshots.Value, table.Bytes, MetadataKind.SnapshotTable, 64, (ulong)_header.Snapshots.Value, "snapshot table");
        yield return table.Bytes;
        long walked = 0;
        foreach (var snapshot in table.Snapshots)
        {
            if (!snapshot.IsComplete) _report(new CheckFinding(CheckFindingKind.IncompleteSnapshot, snapshot.EntryOffset, 0, 0, $"entry of snapshot {snapshot.Name}"));
            if (!snapshot.HasValidL1)
            {
                _report(new CheckFinding(CheckFindingKind.ImpossibleEntry, snapshot.EntryOffset, (ulong)snapshot.L1Table.Value, 0, $"L1 table of snapshot {snapshot.Name}"));
                continue;
            }
            RequireBelow(walked += snapshot.L1Size * sizeof(ulong), WriterLimits.MaxSnapshotL1Bytes, "bytes of L1 tables of snapshots", "snapshot-l1-bytes");
            CollectTables(snapshot.L1Table.Value, (int)snapshot.L1Size, MetadataKind.InactiveL1Table, snapshot.EntryOffset, $"L1 table of snapshot {snapshot.Name}");
            yield return snapshot.L1Size * sizeof(ulong);
        }
    }

    // Tables that lie side by side are read together.
    private IEnumerable<long> CountMappings()
    {
        var most = Math.Max(1, WriterLimits.ScanReadBytes >> _geometry.ClusterBits);
        var buffer = new byte[most << _geometry.ClusterBits];
        for (var i = 0; i < Tables.Count;)
        {
            var count = 1;
            while (count < most && i + count < Tables.Count && Tables[i + count].Cluster == Tables[i].Cluster + count) count++;
            _file.Read(Tables[i].Cluster << _geometry.ClusterBits, buffer.AsSpan(0, count << _geometry.ClusterBits));
            for (var j = 0; j < count; j++)
                _mappings.CountTable(buffer.AsSpan(j << _geometry.ClusterBits, _geometry.ClusterBytes), Tables[i + j]);
            i += count;
            yield return (long)count << _geometry.ClusterBits;
        }
    }

    private IEnumerable<long> Compare()
    {
        const long Piece = 1 << 16;
        var max = RefcountBlock.Max(_geometry.RefcountOrder);
        foreach (var cluster in Used.Used())
        {
            if (cluster % Piece == 0) yield return 0;
            if (Stored(cluster) is not { } count) continue;
            var used = Used[cluster];
            if (used > max) _report(new CheckFinding(CheckFindingKind.CountOverflow, cluster << _geometry.ClusterBits, count, used, "refcount"));
            else if (count < used) _report(new CheckFinding(CheckFindingKind.CountTooLow, cluster << _geometry.ClusterBits, count, used, "refcount"));
        }
        for (var cluster = Refcounts.FindCounted(0); cluster < Refcounts.Reach; cluster = Refcounts.FindCounted(cluster + 1))
        {
            if (cluster % Piece == 0) yield return 0;
            var used = Used[cluster];
            var count = Refcounts.Get(cluster);
            if (count > used) _report(new CheckFinding(CheckFindingKind.Leak, cluster << _geometry.ClusterBits, count, used, "refcount"));
        }
    }

    private ulong[] ReadTable(long offset, int count)
    {
        var table = new ulong[count];
        _file.Read(offset, System.Runtime.InteropServices.MemoryMarshal.AsBytes(table.AsSpan()));
        if (BitConverter.IsLittleEndian) BinaryPrimitives.ReverseEndianness(table, table);
        return table;
    }
}
