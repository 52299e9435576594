using System.Diagnostics;

namespace Qcow2Target.Qcow2.Image;

/// <summary>Host clusters that are reserved: their count of 1 is on stable storage and nothing points at them. Given out in the order of the file.</summary>
internal sealed class ClusterPool
{
    private readonly SortedSet<Extent> _extents = new(Comparer<Extent>.Create((a, b) => a.First.CompareTo(b.First)));

    internal long Count { get; private set; }

    /// <summary>The stretches held now, in order.</summary>
    internal IEnumerable<Extent> Extents => _extents;

    internal void Add(Extent extent)
    {
        if (extent.Count == 0) return;
        Count += extent.Count;
        // Neighbours become one stretch, so that what was given back can be given out side by side again.
        if (_extents.GetViewBetween(new Extent(0, 0), extent).Max is { Count: > 0 } before && before.End == extent.First)
        {
            _extents.Remove(before);
            extent = new Extent(before.First, before.Count + extent.Count);
        }
        if (_extents.GetViewBetween(extent, new Extent(extent.End, 0)).Max is { Count: > 0 } after && after.First == extent.End)
        {
            _extents.Remove(after);
            extent = new Extent(extent.First, extent.Count + after.Count);
        }
        var isNew = _extents.Add(extent);
        Debug.Assert(isNew, "a cluster was given back twice");
    }

    /// <summary>Clusters side by side: as many of <paramref name="most"/> as the first stretch has. The pool must not be empty.</summary>
    internal Extent Take(long most)
    {
        var extent = _extents.Min;
        _extents.Remove(extent);
        var count = Math.Min(most, extent.Count);
        if (count < extent.Count) _extents.Add(new Extent(extent.First + count, extent.Count - count));
        Count -= count;
        return new Extent(extent.First, count);
    }
}

/// <summary>Host clusters side by side.</summary>
internal readonly record struct Extent(long First, long Count)
{
    /// <summary>The first cluster behind it.</summary>
    internal long End => First + Count;
}
