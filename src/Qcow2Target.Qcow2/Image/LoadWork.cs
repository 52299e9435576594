namespace Qcow2Target.Qcow2.Image;

/// <summary>Brings an L2 table into the cache, pinned.</summary>
internal sealed class LoadWork(ClusterMap map, int l1Index) : ImageWork
{
    internal int L1Index => l1Index;

    private protected override ImageFaultKind Failure => ImageFaultKind.ReadError;

    /// <summary>The table; null: there is none.</summary>
    internal L2Table? Table { get; private set; }

    private protected override void Run() => Table = map.LoadPinned(l1Index);
}
