using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>What became of a record.</summary>
internal enum AppendOutcome
{
    /// <summary>It is in the log: a killed process does not lose it.</summary>
    Appended,

    /// <summary>There is no room before a commit.</summary>
    Full,

    /// <summary>The log takes no more: its file reported an error.</summary>
    Broken,
}

/// <summary>
/// A log that is being written: records in a ring behind a header and a checkpoint. Workers append, one after the other, because a record that is
/// torn ends the log and may hide none that was acknowledged. The image's owner tells which records are linked, and the worker of a commit gives
/// up those that are committed. Never synced.
/// </summary>
internal sealed class PendingLog : IDisposable
{
    /// <summary>Bytes of the file.</summary>
    internal const long FileBytes = 4 << 20;

    private const long AreaStart = 2 * PendingLogHeader.BlockBytes;

    private readonly IBlockFile _file;
    private readonly ClusterGeometry _geometry;
    private readonly long _end;

    // The first is held while the file is written, the second only to look: the owner never waits for a write.
    private readonly Lock _writing = new();
    private readonly Lock _state = new();
    private readonly Queue<(long Sequence, long Offset)> _records = new();
    private readonly SortedSet<long> _unlinked = [];
    private long _tail = AreaStart;
    private long _nextSequence = 1;
    private long _generation;
    private volatile bool _isBroken;

    private PendingLog(IBlockFile file, PendingMark mark, ClusterGeometry geometry, long bytes) => (_file, Mark, _geometry, _end) = (file, mark, geometry, bytes);

    internal PendingMark Mark { get; }

    /// <summary>Its file reported an error: nothing is appended any more, what is in it still counts.</summary>
    internal bool IsBroken => _isBroken;

    /// <summary>Half of it, or more, waits for a commit.</summary>
    internal bool IsHalfFull
    {
        get { lock (_state) return UsedBytes > (_end - AreaStart) / 2; }
    }

    /// <summary>Some record is in it that is not yet linked.</summary>
    internal bool HasUnlinked
    {
        get { lock (_state) return _unlinked.Count > 0; }
    }

    /// <summary>Begins a log in a new file, which is all zeros.</summary>
    /// <exception cref="BlockFileException">It could not be written.</exception>
    internal static PendingLog Begin(IBlockFile file, PendingLogHeader header, ClusterGeometry geometry, long bytes = FileBytes)
    {
        var log = new PendingLog(file, header.Mark, geometry, bytes);
        var start = new byte[AreaStart];
        header.Serialize().CopyTo(start, 0);
        var checkpoint = new PendingCheckpoint(log._generation, 1, AreaStart);
        checkpoint.Serialize().CopyTo(start, checkpoint.Place);
        file.Write(0, start);
        return log;
    }

    /// <summary>All records of a log that are not known to be committed, in order. Any bytes will do.</summary>
    /// <param name="log">The whole file.</param>
    internal static IReadOnlyList<PendingRecord> Read(ReadOnlySpan<byte> log, PendingMark mark, ClusterGeometry geometry)
    {
        if (log.Length < AreaStart || PendingCheckpoint.Find(log) is not { } start) return [];
        var records = new List<PendingRecord>();
        var offset = start.Offset >= AreaStart && start.Offset <= log.Length ? (int)start.Offset : (int)AreaStart;
        for (var sequence = start.Sequence; ; sequence++)
        {
            if (!PendingRecord.TryParse(log[offset..], mark, sequence, geometry, out var record, out var length))
            {
                // Where the rest of the area is too short for a record, it begins at the start.
                offset = (int)AreaStart;
                if (!PendingRecord.TryParse(log[offset..], mark, sequence, geometry, out record, out length)) return records;
            }
            records.Add(record!);
            offset += length;
        }
    }

    /// <summary>Appends by one write. On any thread but the owner's; waits for the page cache.</summary>
    /// <param name="sequence">The number that it got, for <see cref="Linked"/>.</param>
    internal AppendOutcome Append(PendingRecord record, out long sequence)
    {
        lock (_writing)
        {
            sequence = _nextSequence;
            if (_isBroken) return AppendOutcome.Broken;
            var bytes = record.Serialize(Mark, sequence, _geometry);
            if (!TryPlace(bytes.Length, out var offset)) return AppendOutcome.Full;
            try
            {
                _file.Write(offset, bytes);
            }
            catch (BlockFileException)
            {
                _isBroken = true;
                return AppendOutcome.Broken;
            }
            lock (_state)
            {
                _records.Enqueue((sequence, offset));
                _unlinked.Add(sequence);
                (_tail, _nextSequence) = (offset + bytes.Length, sequence + 1);
            }
            return AppendOutcome.Appended;
        }
    }

    /// <summary>The record's entries are in the cached table now: the next commit has them.</summary>
    internal void Linked(long sequence)
    {
        lock (_state) _unlinked.Remove(sequence);
    }

    /// <summary>The number of the first record that a commit which is put together now does not have.</summary>
    internal long Boundary
    {
        get { lock (_state) return _unlinked.Count > 0 ? _unlinked.Min : _nextSequence; }
    }

    /// <summary>What stands before <paramref name="boundary"/> is committed. On any thread but the owner's.</summary>
    internal void Release(long boundary)
    {
        lock (_writing)
        {
            if (_isBroken) return;
            PendingCheckpoint checkpoint;
            lock (_state)
            {
                var first = _tail;
                foreach (var (sequence, offset) in _records)
                {
                    if (sequence < boundary) continue;
                    first = offset;
                    break;
                }
                checkpoint = new PendingCheckpoint(_generation + 1, boundary, first);
            }
            try
            {
                _file.Write(checkpoint.Place, checkpoint.Serialize());
            }
            catch (BlockFileException)
            {
                _isBroken = true;
                return;
            }
            lock (_state)
            {
                _generation++;
                while (_records.TryPeek(out var oldest) && oldest.Sequence < boundary) _records.Dequeue();
            }
        }
    }

    public void Dispose() => _file.Dispose();

    private long UsedBytes => !_records.TryPeek(out var oldest) ? 0 : _tail > oldest.Offset ? _tail - oldest.Offset : _end - oldest.Offset + (_tail - AreaStart);

    // Where the next record goes: behind the last, or at the start of the area where that has no room.
    private bool TryPlace(int length, out long offset)
    {
        lock (_state)
        {
            offset = _tail;
            if (!_records.TryPeek(out var oldest))
            {
                if (_end - _tail < length) offset = AreaStart;
                return length <= _end - AreaStart;
            }
            if (_tail <= oldest.Offset) return oldest.Offset - _tail > length;
            if (_end - _tail >= length) return true;
            offset = AreaStart;
            return oldest.Offset - AreaStart > length;
        }
    }
}
