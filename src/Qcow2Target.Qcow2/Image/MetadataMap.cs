using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What a host cluster is used for, as far as it is metadata.</summary>
internal enum MetadataKind : byte
{
    /// <summary>Free, or guest data.</summary>
    None,
    Header,
    L1Table,
    L2Table,
    RefcountTable,
    RefcountBlock,
    SnapshotTable,

    /// <summary>The L1 table of a snapshot.</summary>
    InactiveL1Table,

    /// <summary>An L2 table that a snapshot uses, alone or together with the active layer, or that several L1 entries use: it is never written.</summary>
    SharedL2Table,

    /// <summary>LUKS header, or directory, tables and bits of dirty bitmaps: counted, and never written.</summary>
    Foreign,
}

/// <summary>
/// Where all metadata of an image lies, one byte for each host cluster. Every metadata write is checked against it before it is made:
/// a table is only written where this map says that it lies.
/// </summary>
internal sealed class MetadataMap(ClusterGeometry geometry)
{
    private const int PageBits = 12;

    private readonly Dictionary<long, MetadataKind[]> _pages = [];
    private long _lastPage = -1;
    private MetadataKind[]? _last;

    internal MetadataKind this[long cluster]
    {
        get => Page(cluster) is { } page ? page[cluster & ((1 << PageBits) - 1)] : MetadataKind.None;
        set
        {
            if (Page(cluster) is not { } page) _pages.Add(cluster >> PageBits, _last = page = new MetadataKind[1 << PageBits]);
            page[cluster & ((1 << PageBits) - 1)] = value;
        }
    }

    /// <summary>Marks clusters. Returns the first that is already in use by metadata, where there is one; then nothing more is marked.</summary>
    internal long? Claim(long first, long count, MetadataKind kind)
    {
        for (var cluster = first; cluster < first + count; cluster++)
        {
            if (this[cluster] != MetadataKind.None) return cluster;
            this[cluster] = kind;
        }
        return null;
    }

    internal void Release(long first, long count)
    {
        for (var cluster = first; cluster < first + count; cluster++) this[cluster] = MetadataKind.None;
    }

    /// <summary>True if the whole range lies in clusters of this kind.</summary>
    internal bool Allows(MetadataWrite write)
    {
        var last = (write.Offset + write.Bytes.Length - 1) >> geometry.ClusterBits;
        for (var cluster = write.Offset >> geometry.ClusterBits; cluster <= last; cluster++)
            if (this[cluster] != write.Kind) return false;
        return true;
    }

    // Neighbours are asked for one after the other.
    private MetadataKind[]? Page(long cluster)
    {
        var page = cluster >> PageBits;
        if (page == _lastPage) return _last;
        _lastPage = page;
        return _last = _pages.GetValueOrDefault(page);
    }
}

/// <summary>Bytes to be written to a place of the file that holds metadata of one kind.</summary>
internal readonly record struct MetadataWrite(MetadataKind Kind, long Offset, byte[] Bytes);
