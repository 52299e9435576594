namespace Qcow2Target.Iscsi.Buffers;

/// <summary>Pinned byte arrays in a few sizes, shared by all sessions of the process. Any thread.</summary>
public sealed class BufferPool
{
    // Sizes in bytes and how many idle ones are kept. A little above the powers of two: headers and digests stand between data.
    private static readonly (int Bytes, int Kept)[] Classes =
    [
        (8 << 10, 512),
        (72 << 10, 128),
        (272 << 10, 96),
        (IscsiLimits.OutputChunkBytes, 64),
        ((1 << 20) + (8 << 10), 8),
    ];

    private readonly Shelf[] _shelves = System.Array.ConvertAll(Classes, size => new Shelf(size.Kept));
    private long _rented;

    /// <summary>The process's own.</summary>
    public static BufferPool Shared { get; } = new();

    /// <summary>Buffers that are with somebody.</summary>
    public long RentedCount => Interlocked.Read(ref _rented);

    /// <summary>A buffer of at least <paramref name="bytes"/>, content undefined. Longer than the largest size: made for the occasion.</summary>
    public PooledBuffer Rent(int bytes)
    {
        Interlocked.Increment(ref _rented);
        for (var size = 0; size < Classes.Length; size++)
        {
            if (Classes[size].Bytes < bytes) continue;
            if (_shelves[size].Take() is not { } buffer) return new PooledBuffer(this, size, Classes[size].Bytes);
            buffer.Revive();
            return buffer;
        }

        return new PooledBuffer(this, -1, bytes);
    }

    internal void TakeBack(PooledBuffer buffer)
    {
        Interlocked.Decrement(ref _rented);
        if (buffer.SizeClass >= 0) _shelves[buffer.SizeClass].Put(buffer);
    }

    // Last in, first out: what was used last is still in the processor's cache.
    private sealed class Shelf(int kept)
    {
        private readonly Lock _gate = new();
        private readonly PooledBuffer?[] _buffers = new PooledBuffer?[kept];
        private int _count;

        public PooledBuffer? Take()
        {
            lock (_gate)
            {
                if (_count == 0) return null;
                var buffer = _buffers[--_count];
                _buffers[_count] = null;
                return buffer;
            }
        }

        public void Put(PooledBuffer buffer)
        {
            lock (_gate)
            {
                if (_count < _buffers.Length) _buffers[_count++] = buffer;
            }
        }
    }
}
