using System.Buffers;

namespace Qcow2Target.Scsi.Copying;

/// <summary>
/// Copies bytes from one unit to another, or within one, in bounded pieces. Each piece has its blocks of the source to itself while it is read, and those of
/// the destination while it is written; of one unit it holds nothing while it waits for the other.
/// </summary>
internal static class Copier
{
    /// <param name="source">Unit to read.</param>
    /// <param name="from">Byte where reading begins.</param>
    /// <param name="destination">Unit to write.</param>
    /// <param name="to">Byte where writing begins.</param>
    /// <param name="length">How much.</param>
    /// <param name="refusal">Why the next piece may not be copied, or null: a reservation or protection may come while the copy is under way.</param>
    /// <param name="status">Learns how far it has come.</param>
    /// <param name="cancellationToken">Ends it between two pieces.</param>
    /// <returns>GOOD, or what <paramref name="refusal"/> said; what was copied before stays.</returns>
    /// <exception cref="BlockDeviceException">One of the disks failed; what was copied before stays.</exception>
    /// <exception cref="OperationCanceledException">The token ended it.</exception>
    public static async ValueTask<ScsiOutcome> CopyAsync(
        LogicalUnit source, long from, LogicalUnit destination, long to, long length, Func<ScsiOutcome?> refusal, CopyStatus status,
        CancellationToken cancellationToken)
    {
        byte[] piece = ArrayPool<byte>.Shared.Rent(ScsiLimits.PieceBytes);
        try
        {
            // Where the two overlap and the destination lies behind, the end goes first: no byte is read after it was written.
            bool backward = source == destination && from < to && to < from + length;
            for (long done = 0; done < length;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int bytes = (int)Math.Min(ScsiLimits.PieceBytes, length - done);
                long at = backward ? length - done - bytes : done;
                Memory<byte> data = piece.AsMemory(0, bytes);
                if (refusal() is { } early)
                    return early;
                await ReadAsync(source, from + at, data, cancellationToken).ConfigureAwait(false);
                WriteTicket ticket = await destination.Copying.EnterAsync(0, 1, cancellationToken).ConfigureAwait(false);
                try
                {
                    if (refusal() is { } refused)
                        return refused;
                    await WriteAsync(destination, to + at, data, cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    destination.Copying.Leave(ticket);
                }

                status.Advance(bytes);
                done += bytes;
            }

            return ScsiOutcome.Good;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    /// <summary>A disk that is written meanwhile may tell a half of a block as it was and the other as it is: that would come to stand for good elsewhere.</summary>
    private static async ValueTask ReadAsync(LogicalUnit unit, long offset, Memory<byte> data, CancellationToken cancellationToken)
    {
        (long start, int lead, int whole) = Blocks(unit, offset, data.Length);
        using RangeHold hold = await unit.Medium.HoldAsync(start, whole, cancellationToken).ConfigureAwait(false);
        if (whole == data.Length)
        {
            await unit.Device.ReadAsync(offset, data).ConfigureAwait(false);
            return;
        }

        byte[] blocks = ArrayPool<byte>.Shared.Rent(whole);
        try
        {
            await unit.Device.ReadAsync(start, blocks.AsMemory(0, whole)).ConfigureAwait(false);
            blocks.AsMemory(lead, data.Length).CopyTo(data);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(blocks);
        }
    }

    private static async ValueTask WriteAsync(LogicalUnit unit, long offset, Memory<byte> data, CancellationToken cancellationToken)
    {
        (long start, int lead, int whole) = Blocks(unit, offset, data.Length);
        using RangeHold hold = await unit.Medium.HoldAsync(start, whole, cancellationToken).ConfigureAwait(false);
        if (whole == data.Length)
        {
            await unit.Device.WriteAsync(offset, data, cancellationToken).ConfigureAwait(false);
            return;
        }

        byte[] blocks = ArrayPool<byte>.Shared.Rent(whole);
        try
        {
            await unit.Device.ReadAsync(start, blocks.AsMemory(0, whole)).ConfigureAwait(false);
            data.CopyTo(blocks.AsMemory(lead));
            await unit.Device.WriteAsync(start, blocks.AsMemory(0, whole), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(blocks);
        }
    }

    /// <summary>The whole blocks around some bytes.</summary>
    private static (long Start, int Lead, int Whole) Blocks(LogicalUnit unit, long offset, int length)
    {
        int blockBytes = unit.Device.Shape.BlockBytes;
        int lead = (int)(offset % blockBytes);
        return (offset - lead, lead, (lead + length + blockBytes - 1) / blockBytes * blockBytes);
    }
}
