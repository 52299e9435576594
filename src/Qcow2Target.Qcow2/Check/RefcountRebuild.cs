using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Check;

/// <summary>
/// New refcount structures behind the end of the file, for an image whose old ones lack a block, share one or point astray. They are written
/// and made durable first; then 12 bytes of the header switch to them. The old ones are free from then on.
/// </summary>
internal sealed class RefcountRebuild
{
    private readonly IBlockFile _file;
    private readonly ClusterGeometry _geometry;
    private readonly SortedSet<int> _blocks = [];
    private readonly long _first;
    private readonly long _tableClusters;

    private RefcountRebuild(IBlockFile file, ClusterGeometry geometry, ReferenceWalk walk)
    {
        _file = file;
        _geometry = geometry;
        Walk = walk;
        _first = walk.FileClusters;
        foreach (var cluster in walk.Used.Used())
        {
            if (walk.Used[cluster] > RefcountBlock.Max(geometry.RefcountOrder)) throw Refused($"host cluster {cluster} is used {walk.Used[cluster]} times, more than a refcount can tell");
            _blocks.Add((int)(cluster / geometry.RefcountsPerBlock));
            _first = Math.Max(_first, cluster + 1);
        }
        // They count themselves: what is added for that may need more of it.
        for (var blocks = -1; blocks != _blocks.Count;)
        {
            blocks = _blocks.Count;
            _tableClusters = geometry.ClustersIn((_blocks.Max + 1L) * sizeof(ulong));
            for (var cluster = _first; cluster < End; cluster++) _blocks.Add((int)(cluster / geometry.RefcountsPerBlock));
        }
        if (_tableClusters << geometry.ClusterBits > ImageHeader.MaxRefcountTableBytes) throw Refused("a new refcount table would be larger than 8 MiB");
    }

    /// <summary>The uses of everything but the refcount structures.</summary>
    internal ReferenceWalk Walk { get; }

    private long End => _first + _blocks.Count + _tableClusters;

    /// <summary>Counts and lays out; writes nothing.</summary>
    /// <exception cref="Qcow2FormatException">The image cannot be counted in refcounts of its width.</exception>
    internal static RefcountRebuild Prepare(IBlockFile file, ImageHeader header, ClusterGeometry geometry)
    {
        var walk = new ReferenceWalk(header, geometry, file, _ => { }, RefcountStructures.Ignored);
        foreach (var _ in walk.Steps())
        {
        }
        if (!walk.KnowsAllUses) throw Refused("what is not known in the header may use clusters that new refcounts would not count");
        return new RefcountRebuild(file, geometry, walk);
    }

    /// <summary>Writes them and switches. Returns how many clusters they count.</summary>
    internal long Write()
    {
        long counted = 0;
        var table = new byte[_tableClusters << _geometry.ClusterBits];
        var block = new byte[_geometry.ClusterBytes];
        var at = _first;
        foreach (var index in _blocks)
        {
            block.AsSpan().Clear();
            var first = (long)index * _geometry.RefcountsPerBlock;
            for (var i = 0; i < _geometry.RefcountsPerBlock; i++)
            {
                var count = first + i >= _first && first + i < End ? 1 : Walk.Used[first + i];
                if (count == 0) continue;
                RefcountBlock.Set(block, i, _geometry.RefcountOrder, count);
                counted++;
            }
            _file.Write(at << _geometry.ClusterBits, block);
            BinaryPrimitives.WriteUInt64BigEndian(table.AsSpan(index * sizeof(ulong)), RefcountTableEntry.At(new HostOffset(at << _geometry.ClusterBits)).Raw);
            at++;
        }
        _file.Write(at << _geometry.ClusterBits, table);
        _file.Sync();

        var field = new byte[12];
        BinaryPrimitives.WriteInt64BigEndian(field, at << _geometry.ClusterBits);
        BinaryPrimitives.WriteInt32BigEndian(field.AsSpan(8), (int)_tableClusters);
        _file.Write(ImageHeader.RefcountTableField, field);
        _file.Sync();
        return counted;
    }

    private static Qcow2FormatException Refused(string message) => new(Qcow2FormatError.Inconsistent, 0, $"{message}: this is not repaired, the image can only be opened read-only");
}
