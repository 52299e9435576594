namespace Qcow2Target.Qcow2.Check;

/// <summary>How often each host cluster is used. A byte for each, in pages that are made when something in them is used; what is used more often stands apart.</summary>
internal sealed class ReferenceCounts
{
    private const int PageBits = 14;
    private const int PageClusters = 1 << PageBits;

    private readonly byte[]?[] _pages;
    private readonly Dictionary<long, long> _many = [];

    /// <param name="clusters">Host clusters that can be counted.</param>
    internal ReferenceCounts(long clusters) => _pages = new byte[]?[(clusters >> PageBits) + 1];

    internal ulong this[long cluster]
    {
        get
        {
            var page = cluster >> PageBits;
            if (page >= _pages.Length || _pages[page] is not { } counts) return 0;
            var count = counts[cluster & (PageClusters - 1)];
            return count < byte.MaxValue ? count : (ulong)_many[cluster];
        }
    }

    internal void Add(long cluster, int times)
    {
        ref var page = ref _pages[cluster >> PageBits];
        page ??= new byte[PageClusters];
        ref var count = ref page[cluster & (PageClusters - 1)];
        if (count == byte.MaxValue)
        {
            _many[cluster] += times;
        }
        else if (count + (long)times < byte.MaxValue)
        {
            count += (byte)times;
        }
        else
        {
            _many[cluster] = count + (long)times;
            count = byte.MaxValue;
        }
    }

    /// <summary>All clusters that are used, in order.</summary>
    internal IEnumerable<long> Used()
    {
        for (var page = 0; page < _pages.Length; page++)
        {
            if (_pages[page] is not { } counts) continue;
            for (var i = 0; i < PageClusters; i++)
                if (counts[i] != 0) yield return ((long)page << PageBits) + i;
        }
    }
}
