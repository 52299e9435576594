using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>A piece of the virtual disk that can be handled at once: one kind of entry, and for data one stretch of the file.</summary>
/// <param name="Entry">The entry of the first cluster.</param>
/// <param name="Host">For data: the byte of the file where the piece begins.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct ClusterRun(L2Entry Entry, long Host, int Length)
{
    /// <summary>The piece that begins at a guest offset and has <paramref name="maxLength"/> bytes at most, within one L2 table.</summary>
    /// <param name="table">The table of that offset; null: all unallocated.</param>
    internal static ClusterRun At(L2Table? table, ClusterGeometry geometry, long offset, int maxLength)
    {
        if (table is null)
        {
            var toTableEnd = (1L << geometry.L1Shift) - (offset & ((1L << geometry.L1Shift) - 1));
            return new ClusterRun(L2Entry.Unallocated, 0, (int)Math.Min(maxLength, toTableEnd));
        }
        var index = geometry.L2Index(offset);
        var inCluster = geometry.OffsetInCluster(offset);
        var first = table[index];
        var kind = first.Kind;
        var length = Math.Min(maxLength, geometry.ClusterBytes - inCluster);
        if (kind is not (L2EntryKind.Compressed or L2EntryKind.Invalid))
        {
            var expected = first.Host.Value;
            while (length < maxLength && ++index < table.Count)
            {
                expected += geometry.ClusterBytes;
                var next = table[index];
                if (next.Kind != kind || (kind == L2EntryKind.Normal && next.Host.Value != expected)) break;
                length = Math.Min(maxLength, length + geometry.ClusterBytes);
            }
        }
        return new ClusterRun(first, first.Host.Value + inCluster, length);
    }
}
