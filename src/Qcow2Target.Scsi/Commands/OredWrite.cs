using System.Buffers;

namespace Qcow2Target.Scsi.Commands;

/// <summary>
/// Data-out that is ORed into the disk as it comes. Each piece has its blocks to itself: since OR neither minds order nor repetition, two
/// such commands end as if one had run after the other, and a plain write never gets lost in between.
/// </summary>
internal sealed class OredWrite : DataOutTransfer
{
    private readonly bool _forceUnitAccess;

    private OredWrite(bool forceUnitAccess) => _forceUnitAccess = forceUnitAccess;

    public static OredWrite Cached { get; } = new(forceUnitAccess: false);

    /// <summary>Durable before the status (FUA).</summary>
    public static OredWrite Durable { get; } = new(forceUnitAccess: true);

    public override bool TryWrite(LogicalUnit unit, long offset, ReadOnlySpan<byte> source) => false;

    public override async ValueTask<ScsiOutcome> WriteAsync(LogicalUnit unit, long start, long position, ReadOnlyMemory<byte> source, CancellationToken giveUp)
    {
        int blockBytes = unit.Device.Shape.BlockBytes;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ScsiLimits.PieceBytes);
        try
        {
            long offset = start + position;
            while (!source.IsEmpty)
            {
                // A transport cuts data-out where it likes: the disk is read and written in whole blocks around a piece.
                int lead = (int)(offset % blockBytes);
                int piece = Math.Min(ScsiLimits.PieceBytes - lead, source.Length);
                int whole = (lead + piece + blockBytes - 1) / blockBytes * blockBytes;
                using (RangeHold hold = await unit.Medium.HoldAsync(offset - lead, whole, CancellationToken.None).ConfigureAwait(false))
                {
                    await unit.Device.ReadAsync(offset - lead, buffer.AsMemory(0, whole)).ConfigureAwait(false);
                    Or(buffer.AsSpan(lead, piece), source.Span);
                    await unit.Device.WriteAsync(offset - lead, buffer.AsMemory(0, whole), giveUp).ConfigureAwait(false);
                }

                offset += piece;
                source = source[piece..];
            }

            return ScsiOutcome.Good;
        }
        catch (BlockDeviceException fault)
        {
            return unit.OutcomeOf(fault);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public override ValueTask<ScsiOutcome> FinishAsync(LogicalUnit unit, long start, long length) =>
        _forceUnitAccess ? unit.FlushAsync() : unit.SettleAsync();

    private static void Or(Span<byte> medium, ReadOnlySpan<byte> source)
    {
        for (int i = 0; i < medium.Length; i++)
            medium[i] |= source[i];
    }
}
