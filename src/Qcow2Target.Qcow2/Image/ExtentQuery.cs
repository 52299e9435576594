using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// How far one state of allocation goes on from an offset, the backing chain included: what no layer has allocated is deallocated. Looks
/// at mappings only, never at data. Does not know about the epoch; its callers count themselves in.
/// </summary>
internal static class ExtentQuery
{
    /// <summary>
    /// Entries of tables that one call may look at, and again as it reads them, beyond those of its first piece. With 64 KiB clusters that
    /// are 16 tables from the file (8 GiB of the disk) or 32 from the cache, with 2 MiB clusters one.
    /// </summary>
    internal const int EntryBudget = 1 << 18;

    // What lies below may end a piece much earlier, and then the same entries are looked at again.
    private const int EntriesAtOnce = 1 << 10;

    internal static ImageExtent Run(Qcow2Layer top, long offset, long maxLength)
    {
        var budget = EntryBudget;
        var found = Piece(top, offset, maxLength, ref budget);
        while (found.Length < maxLength && budget > 0)
        {
            var next = Piece(top, offset + found.Length, maxLength - found.Length, ref budget);
            if (next.State != found.State) break;
            found = found with { Length = found.Length + next.Length };
        }
        return found;
    }

    /// <summary>The bytes at the offset that one layer decides about, by one table.</summary>
    private static ImageExtent Piece(Qcow2Layer top, long offset, long length, ref int budget)
    {
        IImageLayer? layer = top;
        while (layer is not null)
        {
            // A raw file may end within a sector.
            var inside = ((layer.Length + ClusterGeometry.SectorBytes - 1) & -ClusterGeometry.SectorBytes) - offset;
            if (inside <= 0) break;
            length = Math.Min(length, inside);
            if (layer is not Qcow2Layer image) return new ImageExtent(length, ExtentState.Mapped);
            var run = RunOfEntries(image, offset, length, ref budget);
            length = run.Length;
            if (run.State is { } state) return new ImageExtent(length, state);
            layer = image.Backing?.Layer.Layer;
        }
        return new ImageExtent(length, ExtentState.Deallocated);
    }

    /// <summary>The bytes at the offset of which one table says the same. No state: the layer below knows.</summary>
    private static (ExtentState? State, long Length) RunOfEntries(Qcow2Layer image, long offset, long maxLength, ref int budget)
    {
        var geometry = image.Geometry;
        var l1Index = geometry.L1Index(offset);
        if (image.Map.Find(l1Index, out var table) == TableState.NotCached)
        {
            table = image.Map.Load(l1Index);
            budget -= geometry.L2EntryCount;
        }
        if (table is null)
        {
            budget--;
            var tableBytes = 1L << geometry.L1Shift;
            return (null, Math.Min(maxLength, tableBytes - (offset & (tableBytes - 1))));
        }
        var first = geometry.L2Index(offset);
        var subcluster = geometry.Subcluster(offset);
        var end = Math.Min(table.Count, first + EntriesAtOnce);
        var state = StateOf(table[first], subcluster);
        var next = first;
        while (next < end)
        {
            var entry = table[next];
            while (subcluster < L2Entry.SubclusterCount && StateOf(entry, subcluster) == state) subcluster += entry.RunFrom(subcluster);
            if (subcluster < L2Entry.SubclusterCount) break;
            subcluster = 0;
            next++;
        }
        budget -= next - first + 1;
        var bytes = ((long)(next - first) << geometry.ClusterBits) + (subcluster * geometry.SubclusterBytes) - geometry.OffsetInCluster(offset);
        return (state, Math.Min(maxLength, bytes));
    }

    private static ExtentState? StateOf(L2Entry entry, int subcluster) => entry.KindOf(subcluster) switch
    {
        // In a host cluster that is there, it holds its part of it, whatever lies below.
        L2EntryKind.Unallocated => entry.HasHost ? ExtentState.Mapped : null,
        L2EntryKind.ZeroPlain => ExtentState.Deallocated,
        // An impossible entry too: whoever skips what is deallocated must not skip the read error.
        _ => ExtentState.Mapped,
    };
}
