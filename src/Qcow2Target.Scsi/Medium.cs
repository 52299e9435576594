using Qcow2Target.Scsi.Operations;

namespace Qcow2Target.Scsi;

/// <summary>
/// The way to write a unit's disk: every write is counted in and out of the unit's range lock, and none comes in while an operation has
/// the whole medium. Who holds a range, or the medium, writes to <see cref="IBlockDevice"/> itself. Faults are
/// <see cref="BlockDeviceException"/>s.
/// </summary>
internal sealed class Medium(IBlockDevice device)
{
    private readonly RangeLock _ranges = new();
    private UnitOperation? _operation;

    /// <summary>What has the whole medium, or null.</summary>
    public UnitOperation? Operation => Volatile.Read(ref _operation);

    /// <summary>As <see cref="IBlockDevice.TryWrite"/>; also false where the range is held.</summary>
    public bool TryWrite(long offset, ReadOnlySpan<byte> source)
    {
        if (!_ranges.TryEnter(offset, source.Length, out WriteTicket ticket))
            return false;
        try
        {
            return Operation is null && device.TryWrite(offset, source);
        }
        finally
        {
            _ranges.Leave(ticket);
        }
    }

    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, CancellationToken giveUp)
    {
        WriteTicket ticket = await EnterAsync(offset, source.Length, giveUp).ConfigureAwait(false);
        try
        {
            MustNotBeTaken();
            await device.WriteAsync(offset, source, giveUp).ConfigureAwait(false);
        }
        finally
        {
            _ranges.Leave(ticket);
        }
    }

    /// <summary>
    /// As <see cref="IBlockDevice.ZeroAsync"/>, in steps that end where a cluster does: a disk that has to write the zeros takes long over
    /// gigabytes, and neither an abort nor who wants a range in them should wait for the end.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token ended it between two steps; what was zeroed stays.</exception>
    public async ValueTask ZeroAsync(long offset, long length, ZeroMode mode, CancellationToken giveUp)
    {
        long end = offset + length;
        while (offset < end)
        {
            giveUp.ThrowIfCancellationRequested();
            long step = Math.Min(end - offset, ScsiLimits.ZeroStepBytes - (offset % ScsiLimits.ZeroStepBytes));
            await ZeroStepAsync(offset, step, mode, giveUp).ConfigureAwait(false);
            offset += step;
        }
    }

    /// <summary>Keeps every other write out of the range until the hold is disposed of.</summary>
    /// <exception cref="OperationCanceledException">The token ended the wait.</exception>
    public async ValueTask<RangeHold> HoldAsync(long offset, long length, CancellationToken cancellationToken)
    {
        RangeHold hold = await _ranges.HoldAsync(offset, length, cancellationToken).ConfigureAwait(false);
        try
        {
            MustNotBeTaken();
            return hold;
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    /// <summary>Takes the whole medium.</summary>
    /// <param name="operation">Who takes it.</param>
    /// <param name="before">What had it, or null. Where the answer is false it has it still.</param>
    public bool TryTake(UnitOperation operation, out UnitOperation? before)
    {
        before = Operation;
        if (!operation.MayFollow(before))
            return false;
        UnitOperation? found = Interlocked.CompareExchange(ref _operation, operation, before);
        bool taken = found == before;
        before = found;
        return taken;
    }

    /// <summary>After <see cref="TryTake"/>: ends when the writes that were under way have ended. Those behind them find the medium taken.</summary>
    public async ValueTask DrainAsync()
    {
        RangeHold everything = await _ranges.HoldAsync(0, long.MaxValue, CancellationToken.None).ConfigureAwait(false);
        everything.Dispose();
    }

    /// <summary>Gives the medium on, or back to nobody (null).</summary>
    public void Replace(UnitOperation operation, UnitOperation? next) => Interlocked.CompareExchange(ref _operation, next, operation);

    private async ValueTask ZeroStepAsync(long offset, long length, ZeroMode mode, CancellationToken giveUp)
    {
        WriteTicket ticket = await EnterAsync(offset, length, giveUp).ConfigureAwait(false);
        try
        {
            MustNotBeTaken();
            await device.ZeroAsync(offset, length, mode, giveUp).ConfigureAwait(false);
        }
        finally
        {
            _ranges.Leave(ticket);
        }
    }

    private async ValueTask<WriteTicket> EnterAsync(long offset, long length, CancellationToken giveUp)
    {
        try
        {
            return await _ranges.EnterAsync(offset, length, giveUp).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw new BlockDeviceException(BlockDeviceFault.Fenced, "the command was aborted while another one had its blocks to itself");
        }
    }

    private void MustNotBeTaken()
    {
        if (Operation is { } operation)
            throw new MediumTakenException(operation.Sense);
    }
}
