using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Commands;

/// <summary>ORWRITE (16) (SBC-3 5.7): sets on the disk the bits that are set in the data-out.</summary>
internal static class OrWrite
{
    public static CommandPlan Begin(in CommandContext context)
    {
        BlockCdb cdb = BlockCdb.Parse(context.Cdb);
        if (BlockChecks.TransferRefusal(context, cdb, MediumUse.Write) is { } sense)
            return context.Refuse(sense);

        BlockDeviceShape shape = context.Shape;
        return cdb.Range.Blocks == 0
            ? context.Good()
            : CommandPlan.Write(context.Unit, cdb.Range.Offset(shape), cdb.Range.Bytes(shape), cdb.HasForceUnitAccess ? OredWrite.Durable : OredWrite.Cached);
    }
}
