namespace Qcow2Target.Qcow2.Image;

/// <summary>Brings an L2 table into the cache.</summary>
internal sealed class LoadWork(ClusterMap map, int l1Index) : ImageWork
{
    internal int L1Index => l1Index;

    private protected override ImageFaultKind Failure => ImageFaultKind.ReadError;

    private protected override void Run() => map.Load(l1Index);
}
