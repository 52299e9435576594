using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// Gives out host clusters and takes them back. Only the writer calls it; what it wants written comes back as <see cref="RefcountWork"/>,
/// one at a time, because two that write one sector could overtake each other.
/// </summary>
internal sealed class ClusterAllocator
{
    private readonly ClusterGeometry _geometry;
    private readonly IBlockFile _file;
    private readonly RefcountTable _refcounts;
    private readonly MetadataMap _metadata;
    private readonly ClusterPool _pool = new();
    private long _searchFrom = 1;
    private long _freshFrom;
    private bool _working;

    internal ClusterAllocator(ClusterGeometry geometry, IBlockFile file, RefcountTable refcounts, MetadataMap metadata)
    {
        _geometry = geometry;
        _file = file;
        _refcounts = refcounts;
        _metadata = metadata;
        // What was never written reads as zeros: a new cluster there needs no zeros around its data.
        _freshFrom = geometry.ClustersIn(file.Length);
    }

    /// <summary>Clusters with a durable count of 1 that nothing uses: they can be taken like reserved ones.</summary>
    internal void Reclaim(IEnumerable<Extent> leaked)
    {
        foreach (var extent in leaked) _pool.Add(extent);
    }

    /// <summary>Reserved clusters.</summary>
    internal long Available => _pool.Count;

    /// <summary>The clusters that are reserved now.</summary>
    internal IReadOnlySet<long> ReservedClusters()
    {
        var clusters = new HashSet<long>();
        foreach (var extent in _pool.Extents)
            for (var cluster = extent.First; cluster < extent.End; cluster++) clusters.Add(cluster);
        return clusters;
    }

    /// <summary>Some cluster was taken since the image was opened.</summary>
    internal bool HasGivenOut { get; private set; }

    /// <summary>A <see cref="RefcountWork"/> is under way; there is no other until <see cref="Finish"/>.</summary>
    internal bool IsWorking => _working;

    /// <summary>Where the refcount table lies.</summary>
    internal Extent Table => new(_refcounts.Offset.Value >> _geometry.ClusterBits, _refcounts.Clusters);

    /// <summary>Counts went down and have to be written some time.</summary>
    internal bool HasWrites => _refcounts.HasWrites;

    internal ulong Count(long cluster) => _refcounts.Get(cluster);

    /// <summary>Takes reserved clusters side by side, at most <paramref name="most"/>; <see cref="Available"/> must be above 0.</summary>
    /// <param name="fresh">True: every byte of them is zero in the file.</param>
    /// <exception cref="ImageFaultException">With <see cref="ImageFaultKind.Corrupt"/>: a reserved cluster is not what it should be.</exception>
    internal Extent Take(long most, out bool fresh)
    {
        HasGivenOut = true;
        var taken = _pool.Take(most);
        for (var cluster = taken.First; cluster < taken.End; cluster++)
            if (_metadata[cluster] != MetadataKind.None || _refcounts.Get(cluster) != 1)
                throw new ImageFaultException(new ImageFault(ImageFaultKind.Corrupt, $"reserved host cluster {cluster} is in use ({_metadata[cluster]}, refcount {_refcounts.Get(cluster)})"));
        fresh = taken.First >= _freshFrom;
        _freshFrom = Math.Max(_freshFrom, taken.End);
        return taken;
    }

    /// <summary>A reservation that did not end in a link.</summary>
    internal void GiveBack(Extent extent) => _pool.Add(extent);

    /// <summary>
    /// Takes one use off a cluster, after the pointer is gone from stable storage. True: it was the last; the count stays until
    /// <see cref="Free"/>, so that nobody gets the cluster before its hole is punched.
    /// </summary>
    /// <exception cref="ImageFaultException">With <see cref="ImageFaultKind.Corrupt"/>: it was not counted.</exception>
    internal bool Release(long cluster)
    {
        var count = _refcounts.Get(cluster);
        if (count == 0 || _metadata[cluster] is not (MetadataKind.None or MetadataKind.SharedL2Table))
            throw new ImageFaultException(new ImageFault(ImageFaultKind.Corrupt, $"host cluster {cluster} is released with the refcount {count} ({_metadata[cluster]})"));
        if (count == 1)
        {
            _metadata.Release(cluster, 1);
            return true;
        }
        _refcounts.Set(cluster, count - 1);
        return false;
    }

    /// <summary>Clusters nobody uses and nothing is written to any more: they can be reserved again.</summary>
    internal void Free(Extent extent)
    {
        for (var cluster = extent.First; cluster < extent.End; cluster++) _refcounts.Set(cluster, 0);
        _searchFrom = Math.Min(_searchFrom, extent.First);
    }

    /// <summary>At close: reservations end, their counts go down to 0.</summary>
    internal void FreeReserved()
    {
        while (_pool.Count > 0) Free(_pool.Take(_pool.Count));
    }

    /// <summary>Writes counts that went down.</summary>
    internal RefcountWork WriteCounts(RefcountDurability durability)
    {
        _working = true;
        var pointers = _refcounts.TakeEntryWrites();
        var needed = pointers.Count > 0 ? RefcountDurability.Durable : durability;
        return new RefcountWork(_file, Checked(_refcounts.TakeBlockWrites()), Checked(pointers), needed);
    }

    /// <summary>
    /// Raises the counts of the next free clusters. Null: none is left and the refcount table is as large as it may be. A full table is
    /// made larger first; then the work reserves nothing and this is called again.
    /// </summary>
    internal RefcountWork? Reserve(int clusters)
    {
        var found = new List<Extent>();
        var newBlocks = new List<int>();
        var cluster = _searchFrom;
        var count = 0;
        while (count < clusters && (cluster = _refcounts.FindFree(cluster)) < _refcounts.Reach)
        {
            if (!_refcounts.HasBlockFor(cluster))
            {
                // The block lies in the first cluster that it counts, itself included.
                var index = (int)(cluster / _geometry.RefcountsPerBlock);
                if (_metadata.Claim(cluster, 1, MetadataKind.RefcountBlock) is not null) throw Overlap(cluster);
                _refcounts.Add(index, new HostOffset(cluster << _geometry.ClusterBits));
                newBlocks.Add(index);
                _refcounts.Set(cluster, 1);
            }
            else
            {
                if (_metadata[cluster] != MetadataKind.None) throw Overlap(cluster);
                _refcounts.Set(cluster, 1);
                if (found.Count > 0 && found[^1].End == cluster) found[^1] = found[^1] with { Count = found[^1].Count + 1 };
                else found.Add(new Extent(cluster, 1));
                count++;
            }
            cluster++;
        }
        _searchFrom = cluster;
        if (count == 0 && newBlocks.Count == 0) return Grow();
        _working = true;
        var blocks = Checked(_refcounts.TakeBlockWrites());
        return new RefcountWork(_file, blocks, Checked(_refcounts.TakeEntryWrites()), RefcountDurability.Durable) { Reserved = found, NewBlocks = newBlocks };
    }

    /// <summary>
    /// Raises the counts of free clusters side by side, for a table; they are <see cref="RefcountWork.Kept"/>, and nobody gets them from the
    /// pool. Null: there is no such run in what the largest refcount table reaches. A table that is full is made larger first; then the
    /// work keeps nothing and this is called again.
    /// </summary>
    internal RefcountWork? ReserveRun(long clusters)
    {
        var newBlocks = new List<int>();
        if (FindRun(clusters) is not { } first)
        {
            // Behind all blocks that there are: new ones, and the run that they count.
            long blocks = 1;
            while (blocks * _geometry.RefcountsPerBlock < blocks + clusters) blocks++;
            var index = _refcounts.Blocks.Select(block => block.Index + 1).LastOrDefault();
            if (index + blocks > _refcounts.Count) return Grow();
            first = (long)index * _geometry.RefcountsPerBlock;
            if (_metadata.Claim(first, blocks, MetadataKind.RefcountBlock) is { } taken) throw Overlap(taken);
            for (var i = 0; i < blocks; i++)
            {
                _refcounts.Add(index + i, new HostOffset((first + i) << _geometry.ClusterBits));
                newBlocks.Add(index + i);
            }
            for (var end = first + blocks; first < end; first++) _refcounts.Set(first, 1);
        }
        for (var cluster = first; cluster < first + clusters; cluster++)
        {
            if (_metadata[cluster] != MetadataKind.None) throw Overlap(cluster);
            _refcounts.Set(cluster, 1);
        }
        _freshFrom = Math.Max(_freshFrom, first + clusters);
        _working = true;
        var writes = Checked(_refcounts.TakeBlockWrites());
        return new RefcountWork(_file, writes, Checked(_refcounts.TakeEntryWrites()), RefcountDurability.Durable) { Kept = new Extent(first, clusters), NewBlocks = newBlocks };
    }

    /// <summary>Clusters that <see cref="ReserveRun"/> kept and that nothing points to: they are free again.</summary>
    internal void GiveUp(Extent kept) => Free(kept);

    /// <summary>What a work has brought about, or undoes it in memory. Returns the clusters of a table that was replaced.</summary>
    internal Extent? Finish(RefcountWork work)
    {
        _working = false;
        if (work.Fault is null)
        {
            foreach (var extent in work.Reserved) _pool.Add(extent);
            if (work.Replaced is not { } old) return null;
            _refcounts.ForgetEntryWrites();
            var freed = new Extent(old.Offset.Value >> _geometry.ClusterBits, old.Clusters);
            _metadata.Release(freed.First, freed.Count);
            return freed;
        }
        foreach (var extent in work.Reserved) Free(extent);
        if (work.Kept.Count > 0) Free(work.Kept);
        // Past the first stage an entry of the file may point to the new blocks: they stay, and their entries are written again.
        if (work.Stage == RefcountStage.Blocks) UndoBlocks(work);
        _refcounts.MarkAgain(work.Blocks);
        _refcounts.MarkAgain(work.Pointers);
        return null;
    }

    // Where a run begins that existing blocks count whole; null: there is none.
    private long? FindRun(long clusters)
    {
        var first = _searchFrom;
        while ((first = _refcounts.FindFree(first)) < _refcounts.Reach)
        {
            var end = first;
            while (end < first + clusters && end < _refcounts.Reach && _refcounts.HasBlockFor(end) && _refcounts.Get(end) == 0) end++;
            if (end == first + clusters) return first;
            // A block that is missing goes where it counts first, so that a run does not go on over it.
            first = end < _refcounts.Reach && !_refcounts.HasBlockFor(end) ? ((end / _geometry.RefcountsPerBlock) + 1) * _geometry.RefcountsPerBlock : end + 1;
        }
        return null;
    }

    private void UndoBlocks(RefcountWork work)
    {
        foreach (var index in work.NewBlocks)
        {
            var host = _refcounts.Blocks.First(block => block.Index == index).Host.Value >> _geometry.ClusterBits;
            _refcounts.Remove(index);
            _metadata.Release(host, 1);
            _searchFrom = Math.Min(_searchFrom, host);
        }
        if (work.Replaced is not { } old) return;
        _metadata.Release(_refcounts.Offset.Value >> _geometry.ClusterBits, _refcounts.Clusters);
        _refcounts.Move(old.Offset, old.Clusters);
    }

    // The larger table and the blocks that count it lie behind everything that the old one reaches, where all is free.
    private RefcountWork? Grow()
    {
        var most = ImageHeader.MaxRefcountTableBytes >> _geometry.ClusterBits;
        var clusters = (int)Math.Min(most, _refcounts.Clusters + (_refcounts.Clusters / 2L) + 1);
        if (clusters <= _refcounts.Clusters) return null;
        var first = _refcounts.Reach;
        long blocks = 1;
        while (blocks * _geometry.RefcountsPerBlock < blocks + clusters) blocks++;
        if (first + blocks + clusters > _refcounts.EntriesIn(clusters) * (long)_geometry.RefcountsPerBlock || (first + blocks + clusters) << _geometry.ClusterBits >> 56 != 0) return null;

        var old = new OldRefcountTable(_refcounts.Offset, _refcounts.Clusters);
        if (_metadata.Claim(first, blocks, MetadataKind.RefcountBlock) is { } taken) throw Overlap(taken);
        if (_metadata.Claim(first + blocks, clusters, MetadataKind.RefcountTable) is { } alsoTaken) throw Overlap(alsoTaken);
        _refcounts.Move(new HostOffset((first + blocks) << _geometry.ClusterBits), clusters);
        var newBlocks = new List<int>();
        for (long i = 0; i < blocks; i++)
        {
            var index = (int)(first / _geometry.RefcountsPerBlock) + (int)i;
            _refcounts.Add(index, new HostOffset((first + i) << _geometry.ClusterBits));
            newBlocks.Add(index);
        }
        for (var cluster = first; cluster < first + blocks + clusters; cluster++) _refcounts.Set(cluster, 1);
        _freshFrom = Math.Max(_freshFrom, first + blocks + clusters);

        var header = new byte[12];
        BinaryPrimitives.WriteInt64BigEndian(header, _refcounts.Offset.Value);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(8), clusters);
        _working = true;
        var writes = _refcounts.TakeBlockWrites();
        writes.Add(new MetadataWrite(MetadataKind.RefcountTable, _refcounts.Offset.Value, _refcounts.Serialize()));
        return new RefcountWork(_file, Checked(writes), Checked([new MetadataWrite(MetadataKind.Header, ImageHeader.RefcountTableField, header)]), RefcountDurability.Durable)
        {
            NewBlocks = newBlocks,
            Replaced = old,
        };
    }

    private List<MetadataWrite> Checked(List<MetadataWrite> writes)
    {
        foreach (var write in writes)
            if (!_metadata.Allows(write)) throw new ImageFaultException(new ImageFault(ImageFaultKind.Corrupt, $"{write.Kind} write at 0x{write.Offset:x} would hit other data"));
        return writes;
    }

    private ImageFaultException Overlap(long cluster) =>
        new(new ImageFault(ImageFaultKind.Corrupt, $"host cluster {cluster} has the refcount 0 and is metadata ({_metadata[cluster]})"));
}
