using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>The checks that commands which name blocks have in common, in the order that the suite observes.</summary>
internal static class BlockChecks
{
    /// <summary>Protection information, readiness and write protection, range, then length: why the transfer is refused, or null.</summary>
    public static SenseData? TransferRefusal(in CommandContext context, BlockCdb cdb, MediumUse use)
    {
        if (cdb.HasProtect)
            return SenseData.InvalidFieldInCdb(1, BlockCdb.ProtectBit);
        if (context.MediumRefusal(use, cdb.Range) is { } sense)
            return sense;
        return cdb.Range.Blocks > ScsiLimits.MaxTransferBlocks
            ? SenseData.InvalidFieldInCdb(BlockCdb.BlocksField(context.Cdb[0]))
            : null;
    }
}
