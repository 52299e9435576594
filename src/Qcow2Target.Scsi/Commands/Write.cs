using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Commands;

/// <summary>WRITE (6), (10), (12) and (16) (SBC-3 5.31 to 5.34). With FUA the data and the mapping that leads to it are durable before the status.</summary>
internal static class Write
{
    public static CommandPlan Begin(in CommandContext context)
    {
        BlockCdb cdb = BlockCdb.Parse(context.Cdb);
        if (BlockChecks.TransferRefusal(context, cdb, MediumUse.Write) is { } sense)
            return context.Refuse(sense);

        BlockDeviceShape shape = context.Shape;
        return cdb.Range.Blocks == 0
            ? context.Good()
            : CommandPlan.Write(context.Unit, cdb.Range.Offset(shape), cdb.Range.Bytes(shape), cdb.HasForceUnitAccess ? PlainWrite.Durable : PlainWrite.Cached);
    }
}
