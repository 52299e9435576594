namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// The bytes that the cached L2 tables and decoded clusters of all images may hold together. Who brings one pays for it, and while the limit
/// is passed those that were not used lately leave, image by image in turn; tables that are being changed stay, so the limit may be passed
/// by what commits hold. Safe to call from several threads.
/// </summary>
public sealed class CacheBudget
{
    // Once round to take the "used lately" marks away, once more to find what nobody used since.
    private const int Rounds = 2;

    private readonly Lock _lock = new();
    private readonly List<ICacheTenant> _tenants = [];
    private long _used;
    private long _loads;
    private long _evictions;
    private int _hand;

    /// <param name="bytes">At least 64 KiB.</param>
    public CacheBudget(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 64 << 10);
        Bytes = bytes;
    }

    /// <summary>The limit.</summary>
    public long Bytes { get; }

    /// <summary>Bytes held now.</summary>
    public long UsedBytes => Interlocked.Read(ref _used);

    /// <summary>Tables that were read from a file, since the start.</summary>
    public long Loads => Interlocked.Read(ref _loads);

    /// <summary>Tables and decoded clusters that left to make room, since the start.</summary>
    public long Evictions => Interlocked.Read(ref _evictions);

    internal void CountLoad() => Interlocked.Increment(ref _loads);

    internal void Enter(ICacheTenant tenant)
    {
        lock (_lock) _tenants.Add(tenant);
    }

    internal void Leave(ICacheTenant tenant)
    {
        lock (_lock) _tenants.Remove(tenant);
    }

    internal void Refund(long bytes) => Interlocked.Add(ref _used, -bytes);

    /// <summary>Pays for a table or a cluster that is already in its cache, and makes room.</summary>
    internal void Charge(long bytes)
    {
        if (Interlocked.Add(ref _used, bytes) <= Bytes) return;
        lock (_lock)
        {
            for (var tries = _tenants.Count * Rounds; tries > 0 && UsedBytes > Bytes; tries--)
            {
                if (++_hand >= _tenants.Count) _hand = 0;
                var tenant = _tenants[_hand];
                while (UsedBytes > Bytes && tenant.TryEvict() is > 0 and var freed)
                {
                    Refund(freed);
                    Interlocked.Increment(ref _evictions);
                }
            }
        }
    }
}

/// <summary>A cache that lives under a <see cref="CacheBudget"/>.</summary>
internal interface ICacheTenant
{
    /// <summary>
    /// Goes once round at most, takes marks of use away, and drops the first table or cluster that has none and is not being changed. Returns its
    /// bytes, 0 if there was none. Must not call the budget.
    /// </summary>
    long TryEvict();
}
