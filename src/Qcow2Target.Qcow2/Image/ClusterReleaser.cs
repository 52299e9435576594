using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// The way of a host cluster out of use: its pointer is gone from stable storage, then every read and in-place write that may have looked it
/// up has left, then its count goes down, and if that was the last its hole is punched, and only then it can be given out again.
/// </summary>
internal sealed class ClusterReleaser(ClusterAllocator allocator, ReaderEpoch epoch, ClusterGeometry geometry, IBlockFile file)
{
    private readonly Queue<(ExtentList Clusters, int Phase)> _waiting = new();
    private int _punching;

    /// <summary>Stretches that wait for their readers.</summary>
    internal int PendingCount { get; private set; }

    internal bool IsWaiting => _waiting.Count > 0;

    /// <summary>Holes are being punched.</summary>
    internal bool IsPunching => _punching > 0;

    /// <summary>Clusters, each as often as it lost a use, whose pointers are gone from stable storage.</summary>
    internal void Add(ExtentList clusters)
    {
        if (clusters.IsEmpty) return;
        PendingCount += clusters.Extents.Count;
        _waiting.Enqueue((clusters, epoch.Phase));
    }

    /// <summary>Lowers the counts of what nobody looks at any more. Returns what has to be punched, or null.</summary>
    /// <exception cref="ImageFaultException">With <see cref="ImageFaultKind.Corrupt"/>: a cluster was not counted.</exception>
    internal PunchWork? Advance()
    {
        if (_waiting.Count == 0) return null;
        for (var step = 0; step < ReaderEpoch.GraceSteps; step++)
            if (!epoch.TryAdvance()) break;

        ExtentList? last = null;
        while (_waiting.TryPeek(out var next) && epoch.Phase - next.Phase >= ReaderEpoch.GraceSteps)
        {
            _waiting.Dequeue();
            PendingCount -= next.Clusters.Extents.Count;
            foreach (var extent in next.Clusters.Extents)
                for (var cluster = extent.First; cluster < extent.End; cluster++)
                    if (allocator.Release(cluster)) (last ??= new ExtentList()).Add(cluster);
        }
        if (last is null) return null;
        _punching++;
        return new PunchWork(file, geometry, last.Extents);
    }

    /// <summary>The holes are punched, or could not be: the clusters are free.</summary>
    internal void Finish(PunchWork work)
    {
        _punching--;
        foreach (var extent in work.Extents) allocator.Free(extent);
    }
}

/// <summary>Gives the space of freed clusters back to the file system.</summary>
internal sealed class PunchWork(IBlockFile file, ClusterGeometry geometry, IReadOnlyList<Extent> extents) : ImageWork
{
    internal IReadOnlyList<Extent> Extents => extents;

    private protected override void Run()
    {
        // A file system that cannot punch keeps the space until the cluster is used again; that is no failure.
        foreach (var extent in extents)
            if (!file.Punch(extent.First << geometry.ClusterBits, extent.Count << geometry.ClusterBits)) return;
    }
}
