using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>A piece of the virtual disk that can be handled at once: one kind of sub-cluster, and for data one stretch of the file.</summary>
/// <param name="Kind">Of all its sub-clusters; never <see cref="L2EntryKind.Mixed"/>.</param>
/// <param name="Entry">The entry of the first cluster.</param>
/// <param name="Host">For data: the byte of the file where the piece begins.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct ClusterRun(L2EntryKind Kind, L2Entry Entry, long Host, int Length)
{
    /// <summary>The piece that begins at a guest offset and has <paramref name="maxLength"/> bytes at most, within one L2 table.</summary>
    /// <param name="table">The table of that offset; null: all unallocated.</param>
    internal static ClusterRun At(L2Table? table, ClusterGeometry geometry, long offset, int maxLength)
    {
        if (table is null)
        {
            var toTableEnd = (1L << geometry.L1Shift) - (offset & ((1L << geometry.L1Shift) - 1));
            return new ClusterRun(L2EntryKind.Unallocated, L2Entry.Unallocated, 0, (int)Math.Min(maxLength, toTableEnd));
        }
        var index = geometry.L2Index(offset);
        var inCluster = geometry.OffsetInCluster(offset);
        var subcluster = geometry.Subcluster(offset);
        var first = table[index];
        var kind = first.KindOf(subcluster);
        var end = subcluster + first.RunFrom(subcluster);
        var length = Math.Min(maxLength, (end * geometry.SubclusterBytes) - inCluster);
        if (kind is not (L2EntryKind.Compressed or L2EntryKind.Invalid))
        {
            var expected = first.Host.Value;
            while (end == L2Entry.SubclusterCount && length < maxLength && ++index < table.Count)
            {
                expected += geometry.ClusterBytes;
                var next = table[index];
                if (next.KindOf(0) != kind || (kind == L2EntryKind.Normal && next.Host.Value != expected)) break;
                end = next.RunFrom(0);
                length = Math.Min(maxLength, length + (end * geometry.SubclusterBytes));
            }
        }
        return new ClusterRun(kind, first, first.Host.Value + inCluster, length);
    }
}
