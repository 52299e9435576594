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
}

/// <summary>
/// Where all metadata of an image lies, one byte for each host cluster. Every metadata write is checked against it before it is made:
/// a table is only written where this map says that it lies.
/// </summary>
internal sealed class MetadataMap(ClusterGeometry geometry)
{
    private const int PageBits = 12;

    private readonly Dictionary<long, MetadataKind[]> _pages = [];

    internal MetadataKind this[long cluster]
    {
        get => _pages.TryGetValue(cluster >> PageBits, out var page) ? page[cluster & ((1 << PageBits) - 1)] : MetadataKind.None;
        set
        {
            if (!_pages.TryGetValue(cluster >> PageBits, out var page)) _pages.Add(cluster >> PageBits, page = new MetadataKind[1 << PageBits]);
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
}

/// <summary>Bytes to be written to a place of the file that holds metadata of one kind.</summary>
internal readonly record struct MetadataWrite(MetadataKind Kind, long Offset, byte[] Bytes);
