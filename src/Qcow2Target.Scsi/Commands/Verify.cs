using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>VERIFY (10), (12) and (16) (SBC-3 5.28 to 5.30, BYTCHK 3 as SBC-4 has it).</summary>
internal static class Verify
{
    public static CommandPlan Begin(in CommandContext context)
    {
        BlockCdb cdb = BlockCdb.Parse(context.Cdb);
        if (ByteCheckField.Parse(cdb.Flags) is not { } check)
            return context.Refuse(SenseData.InvalidFieldInCdb(1, ByteCheckField.Bit));
        if (BlockChecks.TransferRefusal(context, cdb, MediumUse.Read) is { } sense)
            return context.Refuse(sense);
        if (cdb.Range.Blocks == 0)
            return context.Good();

        LogicalUnit unit = context.Unit;
        BlockDeviceShape shape = context.Shape;
        long offset = cdb.Range.Offset(shape);
        long length = cdb.Range.Bytes(shape);
        return check switch
        {
            ByteCheck.None => CommandPlan.Execute(unit, (_, cancellationToken) => ReadAsync(unit, offset, length, cancellationToken)),
            ByteCheck.DataOut => CommandPlan.Write(unit, offset, length, Comparison.Instance),
            _ => CommandPlan.Parameters(unit, shape.BlockBytes, (block, cancellationToken) =>
                block.Length == shape.BlockBytes
                    ? MediumScan.CompareAsync(unit, offset, length, block, 0, cancellationToken)
                    : new(unit.Check(SenseData.InvalidFieldInInformationUnit))),
        };
    }

    private static async ValueTask<ScsiOutcome> ReadAsync(LogicalUnit unit, long offset, long length, CancellationToken cancellationToken)
    {
        await MediumScan.ReadAsync(unit, offset, length, cancellationToken).ConfigureAwait(false);
        return ScsiOutcome.Good;
    }
}
