namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// The last decoded clusters of one file, under the budget that L2 tables live under. A guest reads a cluster in small pieces, and a few
/// hundred bytes of input must not cost megabytes of output for each of them. Safe to call from several threads.
/// </summary>
internal sealed class DecodedClusters : ICacheTenant, IDisposable
{
    /// <summary>What one file keeps at most, so that a long read of it does not drive out the tables of all others.</summary>
    private const int MaxBytes = 2 << 20;

    private readonly CacheBudget _budget;
    private readonly int _clusterBytes;
    private readonly Lock _lock = new();
    private readonly Slot[] _slots;
    private long _clock;
    private int _hand;
    private bool _isClosed;

    internal DecodedClusters(CacheBudget budget, int clusterBytes)
    {
        _budget = budget;
        _clusterBytes = clusterBytes;
        _slots = new Slot[Math.Clamp(MaxBytes / clusterBytes, 2, 64)];
        budget.Enter(this);
    }

    /// <summary>Copies from a cluster if it is one of those kept.</summary>
    /// <param name="stream">Descriptor of the stream; streams are never rewritten, so it names one content for ever.</param>
    /// <param name="offset">First byte, within the cluster.</param>
    /// <param name="destination">Filled whole where the answer is true.</param>
    internal bool TryRead(ulong stream, int offset, Span<byte> destination)
    {
        lock (_lock)
        {
            foreach (ref var slot in _slots.AsSpan())
            {
                if (slot.Cluster is null || slot.Stream != stream) continue;
                slot.LastUse = ++_clock;
                slot.IsMarked = true;
                slot.Cluster.AsSpan(offset, destination.Length).CopyTo(destination);
                return true;
            }
        }
        return false;
    }

    /// <summary>Keeps a cluster, in the place of the one not used for longest where there is no other.</summary>
    internal void Add(ulong stream, byte[] cluster)
    {
        lock (_lock)
        {
            if (_isClosed) return;
            ref var place = ref _slots[0];
            foreach (ref var slot in _slots.AsSpan())
                if (slot.LastUse < place.LastUse) place = ref slot;
            var isPaid = place.Cluster is not null;
            place = new Slot { Stream = stream, Cluster = cluster, LastUse = ++_clock };
            if (isPaid) return;
        }
        _budget.Charge(_clusterBytes);   // it may ask for one of ours
    }

    public long TryEvict()
    {
        lock (_lock)
        {
            for (var steps = _slots.Length; steps > 0; steps--)
            {
                if (++_hand >= _slots.Length) _hand = 0;
                ref var slot = ref _slots[_hand];
                if (slot.Cluster is null) continue;
                if (slot.IsMarked)
                {
                    slot.IsMarked = false;
                    continue;
                }
                slot = default;
                return _clusterBytes;
            }
            return 0;
        }
    }

    /// <summary>Gives all that it holds back to the budget.</summary>
    public void Dispose()
    {
        _budget.Leave(this);
        lock (_lock)
        {
            _isClosed = true;
            foreach (ref var slot in _slots.AsSpan())
            {
                if (slot.Cluster is not null) _budget.Refund(_clusterBytes);
                slot = default;
            }
        }
    }

    private struct Slot
    {
        internal ulong Stream;
        internal byte[]? Cluster;
        internal long LastUse;
        internal bool IsMarked;
    }
}
