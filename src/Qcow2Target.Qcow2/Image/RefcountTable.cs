using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// The refcount table and all its blocks in memory, as they are, or may at any moment be made, in the file: a decrease enters only after the
/// pointer it stands for is gone from stable storage. Remembers what has to be written. Counts are packed as in the file: each block costs
/// one cluster of memory, whatever their width.
/// </summary>
internal sealed class RefcountTable
{
    private const int MaxHostBits = 56;

    private readonly ClusterGeometry _geometry;
    private readonly HashSet<int> _dirtyBlocks = [];
    private readonly SortedSet<int> _dirtyEntries = [];
    private Block?[] _blocks;

    internal RefcountTable(ClusterGeometry geometry, HostOffset table, int clusters)
    {
        _geometry = geometry;
        Offset = table;
        Clusters = clusters;
        _blocks = new Block?[EntriesIn(clusters)];
    }

    /// <summary>Where the table lies.</summary>
    internal HostOffset Offset { get; private set; }

    /// <summary>Its size in clusters.</summary>
    internal int Clusters { get; private set; }

    /// <summary>Entries of the table.</summary>
    internal int Count => _blocks.Length;

    /// <summary>Host clusters that can be counted with a table of this size, and that an entry of 56 bits can point to.</summary>
    internal long Reach => Math.Min((long)_blocks.Length * _geometry.RefcountsPerBlock, 1L << (MaxHostBits - _geometry.ClusterBits));

    internal bool HasWrites => _dirtyBlocks.Count + _dirtyEntries.Count > 0;

    internal int EntriesIn(int clusters) => (int)(((long)clusters << _geometry.ClusterBits) / sizeof(ulong));

    internal bool HasBlockFor(long cluster) => _blocks[Index(cluster)] is not null;

    /// <summary>The table reaches this cluster, and its block is there.</summary>
    internal bool Covers(long cluster) => cluster < Reach && HasBlockFor(cluster);

    internal IEnumerable<(int Index, HostOffset Host)> Blocks
    {
        get
        {
            for (var i = 0; i < _blocks.Length; i++)
                if (_blocks[i] is { } block) yield return (i, block.Host);
        }
    }

    internal ulong Get(long cluster) =>
        cluster < Reach && _blocks[Index(cluster)] is { } block ? RefcountBlock.Get(block.Bytes, IndexInBlock(cluster), _geometry.RefcountOrder) : 0;

    /// <summary>Sets a count. Its block must be there.</summary>
    /// <exception cref="ImageFaultException">With <see cref="ImageFaultKind.NoSpace"/>: the width does not hold it; nothing has changed.</exception>
    internal void Set(long cluster, ulong count)
    {
        if (count > RefcountBlock.Max(_geometry.RefcountOrder))
            throw new ImageFaultException(new ImageFault(ImageFaultKind.NoSpace, $"host cluster {cluster} cannot be counted {count} times with refcounts of {1 << _geometry.RefcountOrder} bits"));
        var index = Index(cluster);
        var block = _blocks[index]!;
        var position = IndexInBlock(cluster);
        RefcountBlock.Set(block.Bytes, position, _geometry.RefcountOrder, count);
        block.MarkSector(RefcountBlock.ByteOf(position, _geometry.RefcountOrder) / ClusterGeometry.SectorBytes);
        _dirtyBlocks.Add(index);
    }

    /// <summary>The first cluster from <paramref name="from"/> on whose count is 0, whether or not its block exists; <see cref="Reach"/>: none.</summary>
    internal long FindFree(long from)
    {
        for (var cluster = from; cluster < Reach;)
        {
            if (_blocks[Index(cluster)] is not { } block) return cluster;
            var position = IndexInBlock(cluster);
            var zero = RefcountBlock.IndexOfZero(block.Bytes, position, _geometry.RefcountOrder);
            if (zero >= 0) return cluster + zero - position;
            cluster += _geometry.RefcountsPerBlock - position;
        }
        return Reach;
    }

    /// <summary>The first cluster from <paramref name="from"/> on whose count is not 0; <see cref="Reach"/>: none. Costs little where nothing is counted.</summary>
    internal long FindCounted(long from)
    {
        for (var cluster = from; cluster < Reach;)
        {
            var position = IndexInBlock(cluster);
            var counted = _blocks[Index(cluster)] is { } block ? RefcountBlock.IndexOfCounted(block.Bytes, position, _geometry.RefcountOrder) : -1;
            if (counted >= 0) return Math.Min(cluster + counted - position, Reach);
            cluster += _geometry.RefcountsPerBlock - position;
        }
        return Reach;
    }

    /// <summary>A block that was read from the file.</summary>
    internal void Load(int index, HostOffset host, byte[] bytes) => _blocks[index] = new Block(host, bytes);

    /// <summary>A new block of zeros that lies in <paramref name="host"/>; its table entry must be written after it.</summary>
    internal void Add(int index, HostOffset host)
    {
        var block = new Block(host, new byte[_geometry.ClusterBytes]);
        block.MarkAll();
        _blocks[index] = block;
        _dirtyBlocks.Add(index);
        _dirtyEntries.Add(index);
    }

    /// <summary>Takes a block back that no entry of the file points to.</summary>
    internal void Remove(int index)
    {
        _blocks[index] = null;
        _dirtyBlocks.Remove(index);
        _dirtyEntries.Remove(index);
    }

    /// <summary>Takes another size and place; entries stay. The whole table has to be written then.</summary>
    internal void Move(HostOffset table, int clusters)
    {
        Offset = table;
        Clusters = clusters;
        Array.Resize(ref _blocks, EntriesIn(clusters));
    }

    /// <summary>What has to be written to blocks since the last call: whole sectors, copied.</summary>
    internal List<MetadataWrite> TakeBlockWrites()
    {
        var writes = new List<MetadataWrite>();
        foreach (var index in _dirtyBlocks.Order()) _blocks[index]!.TakeDirty(writes);
        _dirtyBlocks.Clear();
        return writes;
    }

    /// <summary>What has to be written to the table since the last call, to be done when the blocks are durable.</summary>
    internal List<MetadataWrite> TakeEntryWrites()
    {
        var writes = new List<MetadataWrite>();
        foreach (var index in _dirtyEntries)
        {
            var bytes = new byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, RefcountTableEntry.At(_blocks[index]!.Host).Raw);
            writes.Add(new MetadataWrite(MetadataKind.RefcountTable, Offset.Value + (index * sizeof(ulong)), bytes));
        }
        _dirtyEntries.Clear();
        return writes;
    }

    /// <summary>These writes were taken and did not happen, or not for sure: they are to be made again.</summary>
    internal void MarkAgain(IEnumerable<MetadataWrite> writes)
    {
        var byHost = new Dictionary<long, int>();
        foreach (var (index, host) in Blocks) byHost[host.Value] = index;
        foreach (var write in writes)
        {
            if (write.Kind == MetadataKind.RefcountTable && write.Bytes.Length == sizeof(ulong))
            {
                var entry = (int)((write.Offset - Offset.Value) / sizeof(ulong));
                if (_blocks[entry] is not null) _dirtyEntries.Add(entry);
            }
            if (write.Kind != MetadataKind.RefcountBlock || !byHost.TryGetValue(write.Offset & ~(_geometry.ClusterBytes - 1L), out var owner)) continue;
            var first = _geometry.OffsetInCluster(write.Offset) / ClusterGeometry.SectorBytes;
            for (var sector = first; sector < first + (write.Bytes.Length / ClusterGeometry.SectorBytes); sector++) _blocks[owner]!.MarkSector(sector);
            _dirtyBlocks.Add(owner);
        }
    }

    /// <summary>The table as a whole, for a new place.</summary>
    internal byte[] Serialize()
    {
        var bytes = new byte[(long)Clusters << _geometry.ClusterBits];
        foreach (var (index, host) in Blocks) BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(index * sizeof(ulong)), RefcountTableEntry.At(host).Raw);
        return bytes;
    }

    /// <summary>The whole table was written: no single entry is left to write.</summary>
    internal void ForgetEntryWrites() => _dirtyEntries.Clear();

    private int Index(long cluster) => (int)(cluster / _geometry.RefcountsPerBlock);

    private int IndexInBlock(long cluster) => (int)(cluster % _geometry.RefcountsPerBlock);

    private sealed class Block(HostOffset host, byte[] bytes)
    {
        private readonly SectorSet _dirty = new(bytes.Length);

        internal HostOffset Host { get; } = host;

        internal byte[] Bytes { get; } = bytes;

        internal void MarkSector(int sector) => _dirty.Add(sector);

        internal void MarkAll() => _dirty.AddAll();

        internal void TakeDirty(List<MetadataWrite> writes)
        {
            foreach (var (offset, length) in _dirty.Runs())
                writes.Add(new MetadataWrite(MetadataKind.RefcountBlock, Host.Value + offset, Bytes.AsSpan(offset, length).ToArray()));
            _dirty.Clear();
        }
    }
}
