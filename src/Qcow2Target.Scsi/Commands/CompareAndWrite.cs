using System.Buffers;
using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>
/// COMPARE AND WRITE (SBC-3 5.3): the first half of the data-out is compared with the disk and, if all is equal, the second half written
/// there; no other write of any nexus comes between. Its NUMBER OF LOGICAL BLOCKS has one byte, and all 255 are offered (VPD B0).
/// </summary>
internal static class CompareAndWrite
{
    private const int BlocksField = 13;

    public static CommandPlan Begin(in CommandContext context)
    {
        byte flags = context.Cdb[1];
        if ((flags & BlockCdb.Protect) != 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(1, BlockCdb.ProtectBit));
        var range = new BlockRange(context.Cdb.U64(2), context.Cdb[BlocksField]);
        if (context.MediumRefusal(MediumUse.Write, range) is { } sense)
            return context.Refuse(sense);
        if (range.Blocks == 0)   // with data it is a number that did not fit: 256 or more
            return context.ExpectedDataOut == 0 ? context.Good() : context.Refuse(SenseData.InvalidFieldInCdb(BlocksField));

        BlockDeviceShape shape = context.Shape;
        long offset = range.Offset(shape);
        int length = (int)range.Bytes(shape);
        if (context.ExpectedDataOut != 2 * length)
            return context.Refuse(SenseData.InvalidFieldInInformationUnit);

        LogicalUnit unit = context.Unit;
        bool durable = (flags & BlockCdb.ForceUnitAccess) != 0;
        return CommandPlan.Parameters(unit, 2 * length, async (data, cancellationToken) =>
        {
            if (data.Length < 2 * length)
                return unit.Check(SenseData.InvalidFieldInInformationUnit);
            ScsiOutcome outcome = await SwapAsync(unit, offset, data[..length], data[length..], cancellationToken).ConfigureAwait(false);
            if (outcome.Status != ScsiStatus.Good)
                return outcome;
            return durable ? await unit.FlushAsync().ConfigureAwait(false) : await unit.SettleAsync().ConfigureAwait(false);
        });
    }

    private static async ValueTask<ScsiOutcome> SwapAsync(
        LogicalUnit unit, long offset, ReadOnlyMemory<byte> expected, ReadOnlyMemory<byte> fresh, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(expected.Length);
        try
        {
            Memory<byte> medium = buffer.AsMemory(0, expected.Length);
            using RangeHold hold = await unit.Medium.HoldAsync(offset, expected.Length, cancellationToken).ConfigureAwait(false);
            await unit.Device.ReadAsync(offset, medium).ConfigureAwait(false);
            int equal = medium.Span.CommonPrefixLength(expected.Span);
            if (equal < expected.Length)
                return unit.Check(SenseData.Miscompare(equal));
            await unit.Device.WriteAsync(offset, fresh, cancellationToken).ConfigureAwait(false);
            return ScsiOutcome.Good;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
