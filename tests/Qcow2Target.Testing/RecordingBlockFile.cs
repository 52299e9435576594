using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Testing;

/// <summary>
/// A file in memory that logs what changes it, so that a crash test can ask what would be on disk had the power failed at any point of the log.
/// The model is that of qcow2 crash safety: a write is durable when a sync that began after it has ended well; of the others any subset of 512-byte
/// sectors is on disk, in any order. After a sync that failed, all that it would have covered stays of unknown fate, even if a later one succeeds.
/// </summary>
public sealed class RecordingBlockFile : IBlockFile
{
    /// <summary>What a disk writes whole or not at all.</summary>
    public const int SectorSize = 512;

    private readonly MemoryBlockFile _initial;
    private readonly MemoryBlockFile _live;
    private readonly List<RecordedOperation> _log = [];
    private readonly HashSet<RecordedOperation> _unsynced = new(ReferenceEqualityComparer.Instance);
    private readonly Lock _lock = new();

    /// <param name="initial">What is durably there at the start; copied.</param>
    public RecordingBlockFile(MemoryBlockFile initial)
    {
        _initial = initial.Copy();
        _live = initial.Copy();
    }

    /// <summary>Entries in the log. What is acknowledged when it reads p must be there after a cut at any position ≥ p.</summary>
    public int Position
    {
        get { lock (_lock) return _log.Count; }
    }

    /// <summary>Called inside each sync: what is written from there on is not covered by it.</summary>
    public Action? DuringSync { get; set; }

    public IReadOnlyList<RecordedOperation> Log
    {
        get { lock (_lock) return [.. _log]; }
    }

    /// <summary>What a reader sees now.</summary>
    public MemoryBlockFile Live => _live;

    public long Length => _live.Length;

    public bool TryRead(long offset, Span<byte> destination) => _live.TryRead(offset, destination);

    public void Read(long offset, Span<byte> destination) => _live.Read(offset, destination);

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty) return;
        lock (_lock)
        {
            _live.Write(offset, source);
            Append(new RecordedOperation(BlockOperation.Write, offset, source.Length, source.ToArray()));
        }
    }

    public bool Punch(long offset, long length)
    {
        lock (_lock)
        {
            if (!_live.Punch(offset, length)) return false;
            Append(new RecordedOperation(BlockOperation.Punch, offset, length, default));
            return true;
        }
    }

    public void Sync()
    {
        RecordedOperation[] covered;
        lock (_lock)
        {
            _live.Sync();
            covered = [.. _unsynced];
        }
        DuringSync?.Invoke();
        lock (_lock)
        {
            foreach (var operation in covered)
            {
                // Not in the list any more: an overlapping sync made it durable, or one that failed made its fate unknown.
                if (_unsynced.Remove(operation)) operation.DurableAt = _log.Count;
            }
            _log.Add(new RecordedOperation(BlockOperation.Sync, 0, 0, default));
        }
    }

    /// <summary>What a failed sync leaves behind: all since the last good one stays of unknown fate for ever. Throws nothing itself.</summary>
    public void LoseSync()
    {
        lock (_lock) _unsynced.Clear();
    }

    public void Dispose() => _live.Dispose();

    /// <summary>The file after its process was killed when the log had <paramref name="position"/> entries: all that was written is there.</summary>
    public MemoryBlockFile AfterKill(int position) => AfterPowerCut(position, static (_, _) => true);

    /// <summary>
    /// The file after the power failed when the log had <paramref name="position"/> entries.
    /// </summary>
    /// <param name="survives">
    /// For each operation that was not durable then: its index in the log and the number of a sector in it (0 is the one its first byte lies in) to whether
    /// that sector reached the disk.
    /// </param>
    public MemoryBlockFile AfterPowerCut(int position, Func<int, int, bool> survives)
    {
        lock (_lock)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(position, _log.Count);
            var disk = _initial.Copy();
            for (var index = 0; index < position; index++)
            {
                var operation = _log[index];
                if (operation.DurableAt < position) Apply(disk, operation, operation.Offset, operation.Offset + operation.Length);
                else ApplySectors(disk, operation, index, survives);
            }
            return disk;
        }
    }

    /// <summary>A random fate for <see cref="AfterPowerCut"/>: of the operations that were not durable one third is there, one third lost, one third torn.</summary>
    public static Func<int, int, bool> RandomFate(Random random)
    {
        var fates = new Dictionary<int, int>();
        return (index, _) =>
        {
            if (!fates.TryGetValue(index, out var fate)) fates.Add(index, fate = random.Next(3));
            return fate == 0 || (fate == 1 && random.Next(2) == 0);
        };
    }

    private void Append(RecordedOperation operation)
    {
        _log.Add(operation);
        _unsynced.Add(operation);
    }

    private static void ApplySectors(MemoryBlockFile disk, RecordedOperation operation, int index, Func<int, int, bool> survives)
    {
        var end = operation.Offset + operation.Length;
        var sector = 0;
        for (var from = operation.Offset; from < end; sector++)
        {
            var to = Math.Min(end, (from / SectorSize + 1) * SectorSize);
            if (survives(index, sector)) Apply(disk, operation, from, to);
            from = to;
        }
    }

    private static void Apply(MemoryBlockFile disk, RecordedOperation operation, long from, long to)
    {
        if (operation.Operation == BlockOperation.Write) disk.Write(from, operation.Content.Span[(int)(from - operation.Offset)..(int)(to - operation.Offset)]);
        else if (operation.Operation == BlockOperation.Punch) disk.Punch(from, to - from);
    }
}
