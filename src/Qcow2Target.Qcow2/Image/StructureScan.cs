using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// Reads all metadata of an image once before it is written: every pointer aligned, inside the file and on a cluster of its own, every used
/// cluster counted at least as often as it is used. What it learns is what the writer needs: counts, the place of all metadata, leaks.
/// </summary>
internal sealed class StructureScan
{
    private readonly ImageHeader _header;
    private readonly ClusterGeometry _geometry;
    private readonly IBlockFile _file;
    private readonly ClusterMap _map;
    private readonly long _fileClusters;
    private readonly ushort[] _used;
    private readonly HashSet<long> _notExclusive = [];
    private readonly List<long> _claimed = [];
    private readonly HashSet<long> _beyond = [];

    private StructureScan(ImageHeader header, ClusterGeometry geometry, IBlockFile file, ClusterMap map)
    {
        _header = header;
        _geometry = geometry;
        _file = file;
        _map = map;
        _fileClusters = geometry.ClustersIn(file.Length);
        if (_fileClusters > WriterLimits.MaxScannedClusters)
            throw new Qcow2FormatException(Qcow2FormatError.LimitExceeded, 0, $"{_fileClusters} host clusters are more than {WriterLimits.MaxScannedClusters} (limit scanned-clusters): the image can only be opened read-only");
        _used = new ushort[_fileClusters];
        Metadata = new MetadataMap(geometry);
        Refcounts = new RefcountTable(geometry, header.RefcountTable, header.RefcountTableClusters);
    }

    internal MetadataMap Metadata { get; }

    internal RefcountTable Refcounts { get; }

    /// <summary>Clusters with a count of 1 and no use: they can be taken as they are. Not all, where they are many and far apart.</summary>
    internal List<Extent> Leaked { get; } = [];

    /// <summary>How many such clusters there are.</summary>
    internal long LeakedCount { get; private set; }

    /// <summary>Clusters that some entry calls its own and that are counted more than once.</summary>
    internal IReadOnlySet<long> NotExclusive => _notExclusive;

    /// <exception cref="Qcow2FormatException">With <see cref="Qcow2FormatError.Inconsistent"/>: it is not safe to write to this image.</exception>
    internal static StructureScan Run(ImageHeader header, ClusterGeometry geometry, IBlockFile file, ClusterMap map)
    {
        var scan = new StructureScan(header, geometry, file, map);
        scan.ClaimTables();
        scan.CountMappings();
        scan.CompareCounts();
        return scan;
    }

    // All tables first, so that a mapping that points into one is seen whichever comes first in the file.
    private void ClaimTables()
    {
        Claim(0, 1, MetadataKind.Header, 0);
        var l1Clusters = _geometry.ClustersIn((long)_header.L1Size * sizeof(ulong));
        Claim(_header.L1Table.Value >> _geometry.ClusterBits, l1Clusters, MetadataKind.L1Table, 40);
        Claim(_header.RefcountTable.Value >> _geometry.ClusterBits, _header.RefcountTableClusters, MetadataKind.RefcountTable, ImageHeader.RefcountTableField);

        var table = new byte[(long)_header.RefcountTableClusters << _geometry.ClusterBits];
        _file.Read(_header.RefcountTable.Value, table);
        for (var i = 0; i < Refcounts.Count; i++)
        {
            var raw = BinaryPrimitives.ReadUInt64BigEndian(table.AsSpan(i * sizeof(ulong)));
            if (raw == 0) continue;
            var where = _header.RefcountTable.Value + (i * sizeof(ulong));
            if (!RefcountTableEntry.TryParse(raw, _geometry, out var entry)) throw Inconsistent(where, $"refcount table entry {i} (0x{raw:x}) is impossible");
            Claim(entry.Block.Value >> _geometry.ClusterBits, 1, MetadataKind.RefcountBlock, where);
            var block = new byte[_geometry.ClusterBytes];
            _file.Read(entry.Block.Value, block);
            Refcounts.Load(i, entry.Block, block);
        }
        for (var i = 0; i < _map.L1Count; i++)
        {
            var raw = _map.L1Raw(i);
            if (raw == 0) continue;
            var where = _header.L1Table.Value + (i * sizeof(ulong));
            if (!L1Entry.TryParse(raw, _geometry, out var entry)) throw Inconsistent(where, $"L1 entry {i} (0x{raw:x}) is impossible");
            if (!entry.HasTable) continue;
            var cluster = entry.TableOffset.Value >> _geometry.ClusterBits;
            Claim(cluster, 1, MetadataKind.L2Table, where);
            if (entry.IsCopied) _claimed.Add(cluster);
        }
    }

    private void CountMappings()
    {
        var fileLength = _file.Length;
        var table = new byte[_geometry.ClusterBytes];
        for (var i = 0; i < _map.L1Count; i++)
        {
            L1Entry.TryParse(_map.L1Raw(i), _geometry, out var l1Entry);
            if (!l1Entry.HasTable) continue;
            _file.Read(l1Entry.TableOffset.Value, table);
            for (var at = 0; at < table.Length; at += _geometry.L2EntryBytes)
            {
                var bytes = table.AsSpan(at, _geometry.L2EntryBytes);
                if (bytes.ContainsAnyExcept((byte)0)) CountMapping(bytes, l1Entry.TableOffset.Value + at, fileLength);
            }
        }
    }

    private void CountMapping(ReadOnlySpan<byte> bytes, long where, long fileLength)
    {
        var raw = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        var entry = L2Entry.ReadFrom(bytes, _geometry);
        if (entry.Kind == L2EntryKind.Invalid) throw Inconsistent(where, $"L2 entry 0x{raw:x} is impossible");
        if (entry.IsCompressed)
        {
            // Read without it; but who set it may count such clusters as its own to overwrite.
            if (raw != entry.Stream) throw Inconsistent(where, $"compressed L2 entry 0x{raw:x} has COPIED set");
            CompressedDescriptor.TryParse(entry.Stream, _geometry, out var descriptor);
            if (descriptor.Host.Value >= fileLength) throw Inconsistent(where, $"compressed L2 entry 0x{raw:x} points beyond the end of the file");
            var (first, last) = descriptor.HostClusters(_geometry);
            CountData(first, last, raw, where);
        }
        else if (entry.HasHost)
        {
            if (entry.Host.Value >= fileLength) throw Inconsistent(where, $"L2 entry 0x{raw:x} points beyond the end of the file");
            var cluster = entry.Host.Value >> _geometry.ClusterBits;
            CountData(cluster, cluster, raw, where);
            if (entry.IsCopied && Refcounts.Get(cluster) != 1) _notExclusive.Add(cluster);
        }
    }

    private void CountData(long first, long last, ulong raw, long where)
    {
        for (var cluster = first; cluster <= last; cluster++)
        {
            if (Metadata[cluster] is var kind and not MetadataKind.None) throw Inconsistent(where, $"L2 entry 0x{raw:x} points into the metadata ({kind})");
            // The sectors of a stream that ends the file are rounded up, perhaps into a cluster that does not exist.
            if (cluster >= _fileClusters)
            {
                if (Refcounts.Get(cluster) == 0) throw Inconsistent(where, $"L2 entry 0x{raw:x} uses host cluster {cluster}, which has the refcount 0");
                _beyond.Add(cluster);
                continue;
            }
            if (_used[cluster] == ushort.MaxValue) throw Inconsistent(where, $"host cluster {cluster} is used more than {ushort.MaxValue} times");
            _used[cluster]++;
        }
    }

    private void CompareCounts()
    {
        foreach (var cluster in _claimed)
            if (Refcounts.Get(cluster) != 1) _notExclusive.Add(cluster);
        for (long cluster = 0; cluster < _fileClusters; cluster++)
        {
            if (_used[cluster] == 0) continue;
            var count = Refcounts.Get(cluster);
            if (count < _used[cluster])
                throw Inconsistent(cluster << _geometry.ClusterBits, $"host cluster {cluster} is used {_used[cluster]} times and has the refcount {count}");
        }
        for (var cluster = Refcounts.FindCounted(1); cluster < Refcounts.Reach; cluster = Refcounts.FindCounted(cluster + 1))
        {
            if (cluster < _fileClusters ? _used[cluster] != 0 : _beyond.Contains(cluster)) continue;
            if (Refcounts.Get(cluster) == 1) AddLeak(cluster);
        }
    }

    private void AddLeak(long cluster)
    {
        LeakedCount++;
        if (Leaked.Count > 0 && Leaked[^1].End == cluster) Leaked[^1] = Leaked[^1] with { Count = Leaked[^1].Count + 1 };
        else if (Leaked.Count < WriterLimits.MaxLeakedExtents) Leaked.Add(new Extent(cluster, 1));
    }

    private void Claim(long first, long count, MetadataKind kind, long where)
    {
        if (first + count > _fileClusters) throw Inconsistent(where, $"{kind} at host cluster {first} lies beyond the end of the file");
        if (Metadata.Claim(first, count, kind) is { } taken) throw Inconsistent(where, $"{kind} at host cluster {first} overlaps other metadata ({Metadata[taken]})");
        for (var cluster = first; cluster < first + count; cluster++) _used[cluster] = 1;
    }

    private static Qcow2FormatException Inconsistent(long offset, string message) =>
        new(Qcow2FormatError.Inconsistent, offset, $"{message}: the image can only be opened read-only");
}
