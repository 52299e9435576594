using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>WRITE AND VERIFY (10), (12) and (16) (SBC-3 5.35 to 5.37).</summary>
internal static class WriteAndVerify
{
    public static CommandPlan Begin(in CommandContext context)
    {
        BlockCdb cdb = BlockCdb.Parse(context.Cdb);
        if (ByteCheckField.Parse(cdb.Flags) is not { } check)
            return context.Refuse(SenseData.InvalidFieldInCdb(1, ByteCheckField.Bit));
        if (BlockChecks.TransferRefusal(context, cdb, MediumUse.Write) is { } sense)
            return context.Refuse(sense);

        BlockDeviceShape shape = context.Shape;
        return cdb.Range.Blocks == 0
            ? context.Good()
            : CommandPlan.Write(
                context.Unit,
                cdb.Range.Offset(shape),
                cdb.Range.Bytes(shape),
                check == ByteCheck.None ? VerifiedWrite.Readable : VerifiedWrite.Compared);
    }
}
