namespace Qcow2Target.Iscsi.Buffers;

/// <summary>
/// Pinned byte arrays in a few sizes, shared by all sessions of the process, and the count of what they hold and are about to. Any thread.
/// <para>Nobody is refused a buffer: who rents looks at <see cref="IsScarce"/> before it lets more come in.</para>
/// </summary>
/// <param name="limit">Bytes that all sessions together may hold.</param>
public sealed class BufferPool(long limit = IscsiLimits.DefaultTransferBytes)
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
    private long _held;

    /// <summary>Bytes of the buffers that are with somebody, and of the data that initiators were asked for.</summary>
    public long HeldBytes => Interlocked.Read(ref _held);

    /// <summary>All sessions together hold as much as they may: each keeps to what it was promised.</summary>
    public bool IsScarce => Volatile.Read(ref _held) >= limit;

    /// <summary>Data was asked for (or, below zero, has come or will not): buffers for it will be rented.</summary>
    public void Promise(long bytes) => Interlocked.Add(ref _held, bytes);

    /// <summary>A buffer of at least <paramref name="bytes"/>, content undefined. Longer than the largest size: made for the occasion.</summary>
    public PooledBuffer Rent(int bytes)
    {
        var buffer = TakeOrMake(bytes);
        Interlocked.Add(ref _held, buffer.Array.Length);
        return buffer;
    }

    internal void TakeBack(PooledBuffer buffer)
    {
        Interlocked.Add(ref _held, -buffer.Array.Length);
        if (buffer.SizeClass >= 0) _shelves[buffer.SizeClass].Put(buffer);
    }

    private PooledBuffer TakeOrMake(int bytes)
    {
        for (var size = 0; size < Classes.Length; size++)
        {
            if (Classes[size].Bytes < bytes) continue;
            if (_shelves[size].Take() is not { } buffer) return new PooledBuffer(this, size, Classes[size].Bytes);
            buffer.Revive();
            return buffer;
        }

        return new PooledBuffer(this, -1, bytes);
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
