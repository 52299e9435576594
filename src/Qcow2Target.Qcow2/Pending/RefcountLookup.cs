using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>Looks single counts up in a file whose metadata was not read yet, and knows where the header's own tables lie.</summary>
internal sealed class RefcountLookup
{
    private readonly IBlockFile _file;
    private readonly ClusterGeometry _geometry;
    private readonly byte[] _table;
    private readonly HashSet<long> _blocks = [];
    private readonly (long First, long End)[] _tables;
    private readonly byte[] _block;
    private long _blockHost = -1;

    /// <exception cref="BlockFileException">The refcount table could not be read.</exception>
    internal RefcountLookup(IBlockFile file, ImageHeader header, ClusterGeometry geometry)
    {
        (_file, _geometry) = (file, geometry);
        _table = new byte[(long)header.RefcountTableClusters << geometry.ClusterBits];
        file.Read(header.RefcountTable.Value, _table);
        _block = new byte[geometry.ClusterBytes];
        for (var i = 0; i < _table.Length; i += sizeof(ulong))
            if (HostOf(i) is not 0 and var host) _blocks.Add(host >> geometry.ClusterBits);
        _tables =
        [
            (0, 1),
            Clusters(header.L1Table, (long)header.L1Size * sizeof(ulong)),
            Clusters(header.RefcountTable, _table.Length),
        ];
    }

    /// <summary>True for the clusters of the header, the L1 table, the refcount table and its blocks.</summary>
    internal bool IsTable(long cluster) => _blocks.Contains(cluster) || Array.Exists(_tables, table => cluster >= table.First && cluster < table.End);

    /// <exception cref="BlockFileException">The block could not be read.</exception>
    internal ulong Get(long cluster)
    {
        var index = cluster / _geometry.RefcountsPerBlock;
        if (index >= _table.Length / sizeof(ulong)) return 0;
        var host = HostOf((int)index * sizeof(ulong));
        if (host == 0) return 0;
        if (host != _blockHost) _file.Read(host, _block);
        _blockHost = host;
        return RefcountBlock.Get(_block, (int)(cluster % _geometry.RefcountsPerBlock), _geometry.RefcountOrder);
    }

    // 0 also for an entry that is impossible: the structure scan tells of it.
    private long HostOf(int entry) =>
        RefcountTableEntry.TryParse(BinaryPrimitives.ReadUInt64BigEndian(_table.AsSpan(entry)), _geometry, out var parsed) ? parsed.Block.Value : 0;

    private (long First, long End) Clusters(HostOffset offset, long bytes)
    {
        var first = offset.Value >> _geometry.ClusterBits;
        return (first, first + _geometry.ClustersIn(bytes));
    }
}
