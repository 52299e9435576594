namespace Qcow2Target.Qcow2.Image;

/// <summary>Collects clusters; those that come side by side become one stretch.</summary>
internal sealed class ExtentList
{
    private readonly List<Extent> _extents = [];

    internal IReadOnlyList<Extent> Extents => _extents;

    internal bool IsEmpty => _extents.Count == 0;

    internal void Add(long cluster)
    {
        if (_extents.Count > 0 && _extents[^1].End == cluster) _extents[^1] = _extents[^1] with { Count = _extents[^1].Count + 1 };
        else _extents.Add(new Extent(cluster, 1));
    }

    internal void AddRange(ExtentList other) => _extents.AddRange(other._extents);
}
