namespace Qcow2Target.Control.Framing;

/// <summary>
/// Cuts a stream of bytes into lines: bytes in, lines out, no socket. The caller receives into <see cref="GetBuffer"/>, says how much came
/// with <see cref="Advance"/> (or that the peer ended its side, with <see cref="EndOfInput"/>) and calls <see cref="Read"/> until it
/// needs more. Memory is bounded by the limit, work by the bytes received: no byte is searched twice. Not thread-safe.
/// </summary>
/// <param name="maxLineBytes">Longest line in bytes, without its line end.</param>
public sealed class JsonLineReader(int maxLineBytes = ControlLimits.MaxLineBytes)
{
    private const byte LineFeed = (byte)'\n';
    private const byte CarriageReturn = (byte)'\r';

    private byte[] _buffer = [];
    private int _start;     // first byte of the line under way
    private int _searched;  // no line feed in [_start, _searched)
    private int _end;       // first free byte
    private bool _ended;
    private bool _broken;

    /// <summary>Where to receive the next bytes: never empty. Invalidates the last line that <see cref="Read"/> gave.</summary>
    public Memory<byte> GetBuffer()
    {
        if (_start == _end)
            StartOver();
        if (_end == _buffer.Length)
            MakeRoom();
        return _buffer.AsMemory(_end);
    }

    /// <summary>Takes over <paramref name="count"/> bytes that were received into <see cref="GetBuffer"/>.</summary>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _buffer.Length - _end);
        // What follows an endless line is of no interest, and must not pile up.
        if (!_broken)
            _end += count;
    }

    /// <summary>The peer sends no more.</summary>
    public void EndOfInput() => _ended = true;

    /// <summary>The next line, or what there is instead.</summary>
    /// <param name="line">The line without its line end; valid until the next call of <see cref="GetBuffer"/>.</param>
    public LineOutcome Read(out ReadOnlySpan<byte> line)
    {
        line = default;
        if (_broken)
            return LineOutcome.End;
        int found = _buffer.AsSpan(_searched, _end - _searched).IndexOf(LineFeed);
        if (found >= 0)
        {
            int feed = _searched + found;
            ReadOnlySpan<byte> whole = _buffer.AsSpan(_start, feed - _start);
            if (whole is [.., CarriageReturn])
                whole = whole[..^1];
            _start = _searched = feed + 1;
            return whole.Length > maxLineBytes ? Break(LineOutcome.TooLong) : Give(whole, out line);
        }

        _searched = _end;
        // One byte over the limit may be the carriage return of a line that is just within it.
        if (_end - _start > maxLineBytes + 1)
            return Break(LineOutcome.TooLong);
        if (!_ended)
            return LineOutcome.NeedMore;
        return _start == _end ? LineOutcome.End : Break(LineOutcome.Incomplete);
    }

    private static LineOutcome Give(ReadOnlySpan<byte> whole, out ReadOnlySpan<byte> line)
    {
        line = whole;
        return LineOutcome.Line;
    }

    private LineOutcome Break(LineOutcome outcome)
    {
        _broken = true;
        _start = _searched = _end = 0;
        _buffer = [];
        return outcome;
    }

    /// <summary>Nothing is under way: an idle connection keeps a small buffer only.</summary>
    private void StartOver()
    {
        _start = _searched = _end = 0;
        if (_buffer.Length != ControlLimits.InitialBufferBytes)
            _buffer = new byte[ControlLimits.InitialBufferBytes];
    }

    private void MakeRoom()
    {
        int pending = _end - _start;
        // Doubling keeps the copying linear in what was received; half a buffer of consumed lines is room enough.
        byte[] target = pending > _buffer.Length / 2 ? new byte[checked(_buffer.Length * 2)] : _buffer;
        _buffer.AsSpan(_start, pending).CopyTo(target);
        _searched -= _start;
        _start = 0;
        _end = pending;
        _buffer = target;
    }
}
