namespace Qcow2Target.Scsi;

/// <summary>
/// The way to write a unit's disk: every write is counted in and out of the unit's range lock. Who holds a range writes to
/// <see cref="IBlockDevice"/> itself. Faults are <see cref="BlockDeviceException"/>s.
/// </summary>
internal sealed class Medium(IBlockDevice device)
{
    private readonly RangeLock _ranges = new();

    /// <summary>As <see cref="IBlockDevice.TryWrite"/>; also false where the range is held.</summary>
    public bool TryWrite(long offset, ReadOnlySpan<byte> source)
    {
        if (!_ranges.TryEnter(offset, source.Length, out WriteTicket ticket))
            return false;
        try
        {
            return device.TryWrite(offset, source);
        }
        finally
        {
            _ranges.Leave(ticket);
        }
    }

    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, CancellationToken giveUp)
    {
        WriteTicket ticket = await _ranges.EnterAsync(offset, source.Length).ConfigureAwait(false);
        try
        {
            await device.WriteAsync(offset, source, giveUp).ConfigureAwait(false);
        }
        finally
        {
            _ranges.Leave(ticket);
        }
    }

    public async ValueTask ZeroAsync(long offset, long length, ZeroMode mode, CancellationToken giveUp)
    {
        WriteTicket ticket = await _ranges.EnterAsync(offset, length).ConfigureAwait(false);
        try
        {
            await device.ZeroAsync(offset, length, mode, giveUp).ConfigureAwait(false);
        }
        finally
        {
            _ranges.Leave(ticket);
        }
    }

    /// <summary>Keeps every other write out of the range until the hold is disposed of.</summary>
    /// <exception cref="OperationCanceledException">The token ended the wait.</exception>
    public ValueTask<RangeHold> HoldAsync(long offset, long length, CancellationToken cancellationToken) =>
        _ranges.HoldAsync(offset, length, cancellationToken);
}
