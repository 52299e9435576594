using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Login;
using Qcow2Target.Iscsi.Pdus;
using Qcow2Target.Iscsi.Sequencing;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// What is to be sent, in order: segments of pooled buffers. PDUs get StatSN, ExpCmdSN and MaxCmdSN (and so their header digest) as they enter, which
/// is the order in which they leave. Not thread-safe: used under the session's gate.
/// </summary>
internal sealed class Outbox(SessionParameters parameters, CommandWindow window, BufferPool pool)
{
    private const int SmallChunkBytes = 8 << 10;

    private readonly DigestUse _digests = new(parameters.HeaderDigest, parameters.DataDigest);
    private readonly Queue<Segment> _segments = new();
    private Segment? _spareSegment;
    private Segment? _last;
    private PooledBuffer? _open;
    private int _openEnd;
    private uint _statSn = parameters.StatSn;
    private bool _isSealed;
    private bool _isPeeked;
    private int _unsentBytes;

    /// <summary>May be read without the gate.</summary>
    public int UnsentBytes => Volatile.Read(ref _unsentBytes);

    /// <summary>True once <see cref="Seal"/> was called: the last PDU is in.</summary>
    public bool IsSealed => _isSealed;

    /// <summary>Nothing enters any more.</summary>
    public void Seal() => _isSealed = true;

    /// <summary>The chunk that is open for writing and where to go on in it, for the connection's thread alone until <see cref="GiveChunk"/>.</summary>
    public PooledBuffer TakeChunk(out int end)
    {
        var chunk = _open;
        end = _openEnd;
        _open = null;
        if (chunk is not null) return chunk;
        end = 0;
        return pool.Rent(IscsiLimits.OutputChunkBytes);
    }

    /// <summary>Brings a chunk back after its content was appended.</summary>
    public void GiveChunk(PooledBuffer chunk, int end)
    {
        if (_open is not null || _unsentBytes == 0 || chunk.Array.Length - end < SmallChunkBytes)
        {
            chunk.LetGo();
            return;
        }

        _open = chunk;
        _openEnd = end;
    }

    /// <summary>Takes a range of whole PDUs, stamps them and queues them. Holds the buffer until they are sent.</summary>
    public void Append(PooledBuffer buffer, int start, int length)
    {
        if (length == 0 || _isSealed) return;
        Stamp(buffer.Array.AsSpan(start, length));
        Volatile.Write(ref _unsentBytes, _unsentBytes + length);
        if (_last is { } last && last.Buffer == buffer && last.End == start)
        {
            last.End += length;
            return;
        }

        buffer.Hold();
        var segment = _spareSegment ?? new Segment();
        _spareSegment = null;
        segment.Buffer = buffer;
        segment.Start = start;
        segment.End = start + length;
        _segments.Enqueue(segment);
        _last = segment;
    }

    /// <summary>Lays one PDU out and queues it.</summary>
    public void Put<TPdu>(in TPdu pdu, ReadOnlySpan<byte> data)
        where TPdu : struct, IPdu<TPdu>
    {
        if (_isSealed) return;
        var bytes = _digests.PduBytes(data.Length);
        if (_open is not null && _open.Array.Length - _openEnd < bytes)
        {
            _open.LetGo();
            _open = null;
        }

        if (_open is null)
        {
            _open = pool.Rent(Math.Max(bytes, SmallChunkBytes));
            _openEnd = 0;
        }

        PduWriter.WriteUnstamped(pdu, data, _open.Array.AsSpan(_openEnd), _digests);
        var start = _openEnd;
        _openEnd += bytes;
        Append(_open, start, bytes);
    }

    public bool TryPeek(out ReadOnlyMemory<byte> bytes)
    {
        _isPeeked = _segments.TryPeek(out var head);
        bytes = head is null ? default : head.Buffer!.Array.AsMemory(head.Start, head.End - head.Start);
        return _isPeeked;
    }

    public void Advance(int count)
    {
        _isPeeked = false;
        if (count == 0 || !_segments.TryPeek(out var head)) return;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, head.End - head.Start);
        Volatile.Write(ref _unsentBytes, _unsentBytes - count);
        head.Start += count;
        if (head.Start < head.End) return;
        _segments.Dequeue();
        if (_last == head) _last = null;
        head.Buffer!.LetGo();
        head.Buffer = null;
        _spareSegment = head;
        if (_unsentBytes == 0) CloseChunk();
    }

    /// <summary>Forgets everything. What the owner may just be sending is left to it: that buffer is lost to the pool.</summary>
    public void Drop()
    {
        Seal();
        if (_isPeeked) _segments.TryDequeue(out _);
        while (_segments.TryDequeue(out var segment)) segment.Buffer!.LetGo();
        _last = null;
        Volatile.Write(ref _unsentBytes, 0);
        CloseChunk();
    }

    // An idle connection holds no chunk.
    private void CloseChunk()
    {
        _open?.LetGo();
        _open = null;
    }

    private void Stamp(Span<byte> pdus)
    {
        window.Stamp(pool.IsScarce ? IscsiLimits.ScarceTasks : IscsiLimits.MaxTasks);
        while (pdus.Length > 0)
        {
            BasicHeader.SetSequence(pdus, _statSn, window.ExpCmdSn, window.MaxCmdSn);
            if (AdvancesStatSn(pdus)) _statSn++;
            PduWriter.SealHeader(pdus, _digests);
            pdus = pdus[_digests.PduBytes(BasicHeader.DataSegmentLength(pdus), BasicHeader.TotalAhsLength(pdus))..];
        }
    }

    // Every response that carries status (RFC 7143 4.2.2.2).
    private static bool AdvancesStatSn(ReadOnlySpan<byte> header) => BasicHeader.Opcode(header) switch
    {
        Opcode.DataIn => (header[1] & DataInPdu.StatusBit) != 0,
        Opcode.ReadyToTransfer => false,
        Opcode.NopIn => BasicHeader.InitiatorTaskTag(header) != BasicHeader.NoTag,
        _ => true,
    };

    private sealed class Segment
    {
        public PooledBuffer? Buffer { get; set; }

        public int Start { get; set; }

        public int End { get; set; }
    }
}
