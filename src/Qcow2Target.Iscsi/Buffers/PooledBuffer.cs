namespace Qcow2Target.Iscsi.Buffers;

/// <summary>
/// A pinned array with a count of those who hold it. Whoever rents holds it once; the last one to let go brings it back to its pool. A buffer that is
/// never let go of is lost to the pool and found by the garbage collector, no more.
/// </summary>
public sealed class PooledBuffer
{
    private readonly BufferPool _pool;
    private int _holders = 1;

    internal PooledBuffer(BufferPool pool, int sizeClass, int bytes)
    {
        _pool = pool;
        SizeClass = sizeClass;
        Array = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
    }

    /// <summary>At least as long as was asked for.</summary>
    public byte[] Array { get; }

    internal int SizeClass { get; }

    /// <summary>One more holder.</summary>
    public void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>One holder less.</summary>
    public void LetGo()
    {
        var left = Interlocked.Decrement(ref _holders);
        ObjectDisposedException.ThrowIf(left < 0, this);
        if (left == 0) _pool.TakeBack(this);
    }

    internal void Revive() => Volatile.Write(ref _holders, 1);
}
