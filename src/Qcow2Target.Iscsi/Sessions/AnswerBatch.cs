using Qcow2Target.Iscsi.Buffers;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>
/// Answers that the connection's thread lays out for itself, without the gate, while it handles a batch of input. They have no sequence numbers yet:
/// <see cref="Commit"/> gives them to the outbox, whole and in order.
/// </summary>
internal sealed class AnswerBatch(SessionCore core)
{
    private PooledBuffer? _chunk;
    private int _start;
    private int _end;

    /// <summary>Bytes laid out and not committed.</summary>
    public int PendingBytes => _end - _start;

    /// <summary>Bytes laid out since <see cref="Begin"/>.</summary>
    public int ProducedBytes { get; private set; }

    public void Begin() => ProducedBytes = 0;

    /// <summary>Room for a PDU behind what was kept; counts only after <see cref="Keep"/>. Valid until the next call.</summary>
    public Span<byte> Reserve(int bytes)
    {
        if (_chunk is not null && _chunk.Array.Length - _end < bytes) End();
        if (_chunk is null)
        {
            lock (core.Gate) _chunk = core.Outbox.TakeChunk(out _end);
            _start = _end;
            if (_chunk.Array.Length - _end < bytes)
            {
                _chunk.LetGo();
                _chunk = core.Pool.Rent(Math.Max(bytes, IscsiLimits.OutputChunkBytes));
                _start = _end = 0;
            }
        }

        return _chunk.Array.AsSpan(_end, bytes);
    }

    /// <summary>What was reserved is a PDU now.</summary>
    public void Keep(int bytes)
    {
        _end += bytes;
        ProducedBytes += bytes;
    }

    public void Put<TPdu>(in TPdu pdu, ReadOnlySpan<byte> data)
        where TPdu : struct, IPdu<TPdu>
        => Keep(PduWriter.WriteUnstamped(pdu, data, Reserve(core.Digests.PduBytes(data.Length)), core.Digests));

    /// <summary>Stamps and queues what is laid out.</summary>
    public void Commit()
    {
        if (_start == _end) return;
        lock (core.Gate) core.Outbox.Append(_chunk!, _start, _end - _start);
        _start = _end;
    }

    /// <summary>Commits and gives the chunk back.</summary>
    public void End()
    {
        if (_chunk is null) return;
        lock (core.Gate)
        {
            core.Outbox.Append(_chunk, _start, _end - _start);
            core.Outbox.GiveChunk(_chunk, _end);
        }

        _chunk = null;
        _start = _end = 0;
    }
}
