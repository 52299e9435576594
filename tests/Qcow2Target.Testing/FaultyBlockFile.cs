using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Testing;

/// <summary>
/// Wraps a file, counts what is asked of it, and fails what a test tells it to fail. <see cref="Before"/> is called ahead of each operation and may
/// wait there, which makes interleavings a test's choice. After a sync that failed all later ones fail too, as <see cref="IBlockFile.Sync"/> promises.
/// </summary>
public sealed class FaultyBlockFile(IBlockFile inner) : IBlockFile
{
    private readonly Lock _lock = new();
    private readonly int[] _counts = new int[Enum.GetValues<BlockOperation>().Length];
    private readonly List<Fault> _faults = [];
    private readonly Lock _syncLock = new();
    private BlockFileException? _failedSync;

    /// <summary>Called before each operation with its offset and length in bytes (0 and 0 for a sync), without a lock held.</summary>
    public Action<BlockOperation, long, long>? Before { get; set; }

    /// <summary>A failing write first writes its first half, in whole sectors, as a file system that runs full does.</summary>
    public bool WritesHalfBeforeFailing { get; set; }

    public IBlockFile Inner => inner;

    public int TryReads => Count(BlockOperation.TryRead);

    public int Reads => Count(BlockOperation.Read);

    public int Writes => Count(BlockOperation.Write);

    public int Punches => Count(BlockOperation.Punch);

    public int Syncs => Count(BlockOperation.Sync);

    public long Length => inner.Length;

    /// <summary>How often <paramref name="operation"/> was asked, failures included.</summary>
    public int Count(BlockOperation operation)
    {
        lock (_lock) return _counts[(int)operation];
    }

    /// <summary>Fails the <paramref name="nth"/> (1 = next) such operation from now, once.</summary>
    public void FailNth(BlockOperation operation, int nth, BlockFileError error)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(nth, 1);
        lock (_lock) _faults.Add(new Fault((asked, _, _) => asked == operation, error) { Pass = nth - 1, Times = 1 });
    }

    /// <summary>Fails every operation that <paramref name="match"/> (operation, offset, length) picks, until <see cref="Heal"/>.</summary>
    public void FailWhen(Func<BlockOperation, long, long, bool> match, BlockFileError error)
    {
        lock (_lock) _faults.Add(new Fault(match, error) { Times = int.MaxValue });
    }

    /// <summary>From here on nothing fails, as after the file was opened anew.</summary>
    public void Heal()
    {
        lock (_syncLock) _failedSync = null;
        lock (_lock) _faults.Clear();
    }

    public bool TryRead(long offset, Span<byte> destination)
    {
        // A try that meets a fault says no; the fault shows in the read that follows.
        return Meet(BlockOperation.TryRead, offset, destination.Length) is null && inner.TryRead(offset, destination);
    }

    public void Read(long offset, Span<byte> destination)
    {
        if (Meet(BlockOperation.Read, offset, destination.Length) is { } fault) throw fault;
        inner.Read(offset, destination);
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        if (Meet(BlockOperation.Write, offset, source.Length) is { } fault)
        {
            // Whole sectors of the file, as a disk writes them.
            if (WritesHalfBeforeFailing && ((offset + (source.Length / 2)) & -RecordingBlockFile.SectorSize) - offset is > 0 and var half) inner.Write(offset, source[..(int)half]);
            throw fault;
        }
        inner.Write(offset, source);
    }

    public bool Punch(long offset, long length)
    {
        if (Meet(BlockOperation.Punch, offset, length) is { } fault) throw fault;
        return inner.Punch(offset, length);
    }

    public void Sync()
    {
        lock (_syncLock)
        {
            if (_failedSync is { } earlier) throw earlier;
            if (Meet(BlockOperation.Sync, 0, 0) is { } fault)
            {
                if (inner is RecordingBlockFile recording) recording.LoseSync();
                _failedSync = fault;
                throw fault;
            }
            inner.Sync();
        }
    }

    public void Dispose() => inner.Dispose();

    private BlockFileException? Meet(BlockOperation operation, long offset, long length)
    {
        Before?.Invoke(operation, offset, length);
        lock (_lock)
        {
            _counts[(int)operation]++;
            foreach (var fault in _faults)
            {
                if (!fault.Match(operation, offset, length) || fault.Times == 0) continue;
                if (fault.Pass-- > 0) continue;
                fault.Pass = 0;
                fault.Times--;
                return new BlockFileException(fault.Error, $"injected: {operation} of {length} bytes at {offset}");
            }
            return null;
        }
    }

    private sealed class Fault(Func<BlockOperation, long, long, bool> match, BlockFileError error)
    {
        public Func<BlockOperation, long, long, bool> Match => match;

        public BlockFileError Error => error;

        /// <summary>Matches still to let pass.</summary>
        public int Pass { get; set; }

        public int Times { get; set; }
    }
}
