using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Commands;

/// <summary>
/// READ (6), (10), (12) and (16) (SBC-3 5.8 to 5.11). DPO is advice. FUA needs no more than a read does: what is cached here is never
/// older than the medium.
/// </summary>
internal static class Read
{
    public static CommandPlan Begin(in CommandContext context)
    {
        BlockCdb cdb = BlockCdb.Parse(context.Cdb);
        if (BlockChecks.TransferRefusal(context, cdb, MediumUse.Read) is { } sense)
            return context.Refuse(sense);

        BlockDeviceShape shape = context.Shape;
        return cdb.Range.Blocks == 0 ? context.Good() : CommandPlan.Read(context.Unit, cdb.Range.Offset(shape), cdb.Range.Bytes(shape));
    }
}
