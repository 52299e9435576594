using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Testing;

/// <summary>
/// A file in memory: sparse (chunks of 64 KiB, made when bytes other than zeros are written), of any length, bounded in the bytes it really
/// holds. Its reads are atomic against its writes, as those of a page are. It can be opened again after <see cref="Dispose"/> by
/// <see cref="Reopen"/>, because what an image wrote is what a test wants to look at.
/// </summary>
public sealed class MemoryBlockFile : IBlockFile
{
    private const int ChunkSize = 65536;

    private readonly Dictionary<long, byte[]> _chunks = [];
    private readonly Lock _lock = new();
    private readonly long _limit;
    private long _length;
    private bool _disposed;

    /// <param name="limit">Bytes it may hold (zeros and holes cost none); past it a write fails with <see cref="BlockFileError.NoSpace"/>.</param>
    public MemoryBlockFile(long limit = 256 << 20) => _limit = limit;

    public MemoryBlockFile(ReadOnlySpan<byte> content, long limit = 256 << 20)
        : this(limit) => Write(0, content);

    /// <summary>False: every <see cref="TryRead"/> says "would wait", as for a file out of the page cache.</summary>
    public bool Cached { get; set; } = true;

    /// <summary>False: <see cref="Punch"/> is not supported.</summary>
    public bool CanPunch { get; set; } = true;

    public bool IsDisposed
    {
        get { lock (_lock) return _disposed; }
    }

    /// <summary>Bytes of memory held now, in whole chunks.</summary>
    public long BytesHeld
    {
        get { lock (_lock) return (long)_chunks.Count * ChunkSize; }
    }

    public long Length
    {
        get { lock (_lock) { ThrowIfDisposed(); return _length; } }
    }

    /// <summary>As another process would: cuts the file or extends it with a hole.</summary>
    public void SetLength(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        lock (_lock)
        {
            if (length < _length) ZeroCore(length, _length - length);
            _length = length;
        }
    }

    public bool TryRead(long offset, Span<byte> destination)
    {
        if (!Cached) return false;
        Read(offset, destination);
        return true;
    }

    public void Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        lock (_lock)
        {
            ThrowIfDisposed();
            foreach (var (chunk, start, position, count) in Pieces(offset, destination.Length))
            {
                var target = destination.Slice(position, count);
                if (_chunks.TryGetValue(chunk, out var bytes)) bytes.AsSpan(start, count).CopyTo(target);
                else target.Clear();
            }
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        lock (_lock)
        {
            ThrowIfDisposed();
            foreach (var (chunk, start, position, count) in Pieces(offset, source.Length))
            {
                var piece = source.Slice(position, count);
                if (!_chunks.TryGetValue(chunk, out var bytes))
                {
                    if (!piece.ContainsAnyExcept((byte)0)) continue;
                    if ((_chunks.Count + 1L) * ChunkSize > _limit) throw new BlockFileException(BlockFileError.NoSpace, $"memory file is full ({_limit} bytes)");
                    _chunks.Add(chunk, bytes = new byte[ChunkSize]);
                }
                piece.CopyTo(bytes.AsSpan(start));
                _length = Math.Max(_length, offset + position + count);
            }
            if (!source.IsEmpty) _length = Math.Max(_length, offset + source.Length);
        }
    }

    public bool Punch(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        lock (_lock)
        {
            ThrowIfDisposed();
            if (!CanPunch) return false;
            ZeroCore(offset, Math.Min(length, long.MaxValue - offset));
            return true;
        }
    }

    public void Sync()
    {
        lock (_lock) ThrowIfDisposed();
    }

    public void Dispose()
    {
        lock (_lock) _disposed = true;
    }

    /// <summary>Takes <see cref="Dispose"/> back: the next opener's view of the same bytes.</summary>
    public MemoryBlockFile Reopen()
    {
        lock (_lock) _disposed = false;
        return this;
    }

    /// <summary>The whole content; for files that fit an array.</summary>
    public byte[] ToArray()
    {
        lock (_lock)
        {
            var content = new byte[checked((int)_length)];
            foreach (var (chunk, bytes) in _chunks)
            {
                var start = chunk * ChunkSize;
                if (start < content.Length) bytes.AsSpan(0, (int)Math.Min(ChunkSize, content.Length - start)).CopyTo(content.AsSpan((int)start));
            }
            return content;
        }
    }

    /// <summary>A copy that shares nothing with this one.</summary>
    public MemoryBlockFile Copy()
    {
        lock (_lock)
        {
            var copy = new MemoryBlockFile(_limit) { _length = _length, Cached = Cached, CanPunch = CanPunch };
            foreach (var (chunk, bytes) in _chunks) copy._chunks.Add(chunk, [.. bytes]);
            return copy;
        }
    }

    /// <summary>Writes it to a file of the file system, for <c>qemu-img</c> to judge; holes stay holes.</summary>
    public void SaveTo(string path)
    {
        lock (_lock)
        {
            using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
            file.SetLength(_length);
            foreach (var (chunk, bytes) in _chunks)
            {
                var start = chunk * ChunkSize;
                if (start >= _length) continue;
                file.Position = start;
                file.Write(bytes, 0, (int)Math.Min(ChunkSize, _length - start));
            }
        }
    }

    /// <summary>The content of a file of the file system.</summary>
    public static MemoryBlockFile LoadFrom(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var loaded = new MemoryBlockFile();
        var chunk = new byte[ChunkSize];
        for (long offset = 0; file.ReadAtLeast(chunk, chunk.Length, throwOnEndOfStream: false) is > 0 and var count; offset += count)
            loaded.Write(offset, chunk.AsSpan(0, count));
        return loaded;
    }

    private void ZeroCore(long offset, long length)
    {
        var end = offset + length;
        foreach (var (chunk, bytes) in _chunks.ToArray())
        {
            var from = Math.Max(offset, chunk * ChunkSize);
            var to = Math.Min(end, (chunk + 1) * ChunkSize);
            if (from >= to) continue;
            if (to - from == ChunkSize) _chunks.Remove(chunk);
            else bytes.AsSpan((int)(from % ChunkSize), (int)(to - from)).Clear();
        }
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    private static IEnumerable<(long Chunk, int Start, int Position, int Count)> Pieces(long offset, int length)
    {
        for (var position = 0; position < length;)
        {
            var at = offset + position;
            var start = (int)(at % ChunkSize);
            var count = Math.Min(ChunkSize - start, length - position);
            yield return (at / ChunkSize, start, position, count);
            position += count;
        }
    }
}
