namespace Qcow2Target.Qcow2.Check;

/// <summary>A set of host clusters: one bit for each, in pages that are made when something is put there.</summary>
internal sealed class ClusterSet(long clusters)
{
    private const int PageBits = 15;

    private readonly ulong[]?[] _pages = new ulong[]?[(clusters >> PageBits) + 1];

    internal void Add(long cluster)
    {
        ref var page = ref _pages[cluster >> PageBits];
        page ??= new ulong[(1 << PageBits) / 64];
        page[(cluster & ((1 << PageBits) - 1)) >> 6] |= 1UL << (int)(cluster & 63);
    }

    internal bool Contains(long cluster) =>
        cluster >> PageBits < _pages.Length && _pages[cluster >> PageBits] is { } page
        && (page[(cluster & ((1 << PageBits) - 1)) >> 6] >> (int)(cluster & 63) & 1) != 0;
}
