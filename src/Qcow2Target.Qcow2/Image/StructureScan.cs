using System.Diagnostics;
using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// Looks through all metadata of an image before it is written: every pointer aligned, inside the file and on a cluster of its own, every used
/// cluster counted at least as often as it is used. What it learns is what the writer needs: counts, the place of all metadata, leaks.
/// </summary>
internal sealed class StructureScan
{
    private readonly ReferenceWalk _walk;
    private readonly ClusterGeometry _geometry;
    private readonly bool _reclaims;
    private readonly IEnumerator<long> _steps;
    private volatile bool _isCancelled;

    /// <summary>Reads nothing yet.</summary>
    /// <exception cref="Qcow2FormatException">With <see cref="Qcow2FormatError.LimitExceeded"/>: the file is too large to be counted.</exception>
    internal StructureScan(ImageHeader header, ClusterGeometry geometry, IBlockFile file)
    {
        _geometry = geometry;
        _walk = new ReferenceWalk(header, geometry, file, Take);
        _steps = _walk.Steps().GetEnumerator();
        // While an autoclear bit of what is not maintained is set nothing may change yet.
        _reclaims = header.Autoclear == header.KeptAutoclear && _walk.KnowsAllUses;
    }

    /// <summary>All has been looked at, and nothing forbids writing. What the scan has learned can be used from now on.</summary>
    internal bool IsComplete { get; private set; }

    internal MetadataMap Metadata => _walk.Metadata;

    internal RefcountTable Refcounts => _walk.Refcounts;

    /// <summary>Clusters with a count of 1 and no use: they can be taken as they are. Not all, where they are many and far apart.</summary>
    internal List<Extent> Leaked { get; } = [];

    /// <summary>How many clusters are counted more often than they are used.</summary>
    internal long LeakedCount { get; private set; }

    /// <summary>Clusters that some entry calls its own and that are not counted exactly once; null: none.</summary>
    internal ClusterSet? NotExclusive => _walk.NotExclusive;

    /// <summary>Goes on with the scan, until it is complete, cancelled, or has taken that long. One caller at a time.</summary>
    /// <param name="time">Negative (<see cref="Timeout.InfiniteTimeSpan"/>): as long as it takes.</param>
    /// <exception cref="Qcow2FormatException">With <see cref="Qcow2FormatError.Inconsistent"/>: it is not safe to write to this image.</exception>
    /// <exception cref="BlockFileException">The file could not be read.</exception>
    internal void Advance(TimeSpan time)
    {
        var begun = Stopwatch.GetTimestamp();
        while (!IsComplete && !_isCancelled && (time < TimeSpan.Zero || Stopwatch.GetElapsedTime(begun) < time)) IsComplete = !_steps.MoveNext();
    }

    /// <summary>Nobody wants it any more: what runs of it ends soon. Any thread.</summary>
    internal void Cancel() => _isCancelled = true;

    private void Take(CheckFinding finding)
    {
        if (finding.ForbidsWriting) throw new Qcow2FormatException(Qcow2FormatError.Inconsistent, finding.Offset, $"{finding}: the image can only be opened read-only");
        if (finding.Kind != CheckFindingKind.Leak) return;
        LeakedCount++;
        if (_reclaims) Reclaim(finding.Offset >> _geometry.ClusterBits, finding.Value, finding.Expected);
    }

    private void Reclaim(long cluster, ulong count, ulong used)
    {
        if (used > 0)
        {
            // With a count of 1 an entry of the active layer would have to carry COPIED: lowered to that, a leak would become an error.
            if (!_walk.IsOwnable(cluster)) Refcounts.Set(cluster, used);
            return;
        }
        var extends = Leaked.Count > 0 && Leaked[^1].End == cluster;
        if (!extends && Leaked.Count == WriterLimits.MaxLeakedExtents) return;
        if (count > 1) Refcounts.Set(cluster, 1);
        if (extends) Leaked[^1] = Leaked[^1] with { Count = Leaked[^1].Count + 1 };
        else Leaked.Add(new Extent(cluster, 1));
    }
}
