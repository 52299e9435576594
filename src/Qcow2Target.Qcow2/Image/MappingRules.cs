using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// What a mapping may point at: a cluster inside the file and outside the tables whose place the header tells. An entry that breaks a
/// rule becomes <see cref="L2EntryKind.Invalid"/> when its table is read, so that the path of a read need not ask again.
/// </summary>
internal sealed class MappingRules
{
    private readonly ClusterGeometry _geometry;
    private readonly IBlockFile _file;
    private volatile (long First, long Last)[] _tables;

    internal MappingRules(ImageHeader header, ClusterGeometry geometry, IBlockFile file)
    {
        _geometry = geometry;
        _file = file;
        var tables = new List<(long, long)> { (0, 0), Clusters(header.RefcountTable, (long)header.RefcountTableClusters << geometry.ClusterBits) };
        if (header.L1Size > 0) tables.Add(Clusters(header.L1Table, (long)header.L1Size * sizeof(ulong)));
        if (header.SnapshotCount > 0) tables.Add(Clusters(header.Snapshots, 1));
        _tables = [.. tables];
    }

    /// <summary>Host clusters whose count is above 1 although an entry calls them its own: they are shared, whatever it says. Found at open.</summary>
    internal ClusterSet? NotExclusive { get; set; }

    /// <summary>Length of the file now; to be asked once for each table.</summary>
    internal long FileLength => _file.Length;

    /// <summary>Reads one entry as it stands in the file.</summary>
    /// <param name="bitmap">The second word of an extended entry.</param>
    /// <param name="guest">First byte of the guest cluster.</param>
    internal L2Entry Judge(ulong descriptor, ulong bitmap, long guest, long fileLength)
    {
        var entry = L2Entry.Parse(descriptor, bitmap, _geometry);
        if (entry.IsCompressed)
        {
            CompressedDescriptor.TryParse(entry.Stream, _geometry, out var stream);
            var (first, last) = stream.HostClusters(_geometry);
            return stream.Host.Value >= fileLength || IsTable(first, last) ? L2Entry.Invalid : entry;
        }
        if (!entry.HasHost) return entry;
        // A data file has every guest cluster at its own place, and holds no tables.
        if (_geometry.HasDataFile) return entry.Host.Value == guest ? entry : L2Entry.Invalid;
        // A host cluster without data is never read, so it need not exist; that of data must have begun.
        if (entry.AllocatedSubclusters != 0 && entry.Host.Value >= fileLength) return L2Entry.Invalid;
        var cluster = entry.Host.Value >> _geometry.ClusterBits;
        if (IsTable(cluster, cluster)) return L2Entry.Invalid;
        return entry.IsCopied && NotExclusive is { } shared && shared.Contains(cluster) ? entry.WithoutCopied() : entry;
    }

    /// <summary>True where an L2 table can lie: inside the file and outside the other tables.</summary>
    internal bool AllowsTable(HostOffset table, long fileLength)
    {
        var cluster = table.Value >> _geometry.ClusterBits;
        return table.Value < fileLength && !IsTable(cluster, cluster);
    }

    /// <summary>The writer's: a table lies elsewhere from now on. Entries may point to where it was, and none to where it is.</summary>
    internal void Move(Extent from, Extent to)
    {
        var tables = ((long First, long Last)[])_tables.Clone();
        var index = Array.IndexOf(tables, (from.First, from.End - 1));
        tables[index] = (to.First, to.End - 1);
        _tables = tables;
    }

    /// <summary>True if the table may be written where it lies.</summary>
    internal bool IsOwned(L1Entry entry) => entry.IsCopied && NotExclusive?.Contains(entry.TableOffset.Value >> _geometry.ClusterBits) != true;

    private bool IsTable(long first, long last)
    {
        foreach (var table in _tables)
            if (first <= table.Last && last >= table.First) return true;
        return false;
    }

    private (long First, long Last) Clusters(HostOffset offset, long bytes)
    {
        var first = offset.Value >> _geometry.ClusterBits;
        return (first, first + _geometry.ClustersIn(bytes) - 1);
    }
}
