using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Pages.Vpd;

/// <summary>VPD B0h (SBC-3 6.5.3). Field offsets are those of the page, header included.</summary>
internal static class BlockLimits
{
    private const int Bytes = 0x3C;
    private const int HeaderBytes = 4;
    private const uint AlignmentValid = 0x8000_0000;   // UGAVALID

    public static byte[] Body(in CommandContext context)
    {
        BlockDeviceShape shape = context.Shape;
        int clusterBlocks = Math.Max(1, shape.ClusterBytes / shape.BlockBytes);
        int physicalBlocks = shape.PhysicalBlockBytes / shape.BlockBytes;

        byte[] body = new byte[Bytes];
        body[5 - HeaderBytes] = ScsiLimits.MaxCompareAndWriteBlocks;
        body.PutU16(6 - HeaderBytes, Math.Max(8, physicalBlocks));                    // OPTIMAL TRANSFER LENGTH GRANULARITY: 4 KiB
        body.PutU32(8 - HeaderBytes, ScsiLimits.MaxTransferBlocks);
        body.PutU32(12 - HeaderBytes, ScsiLimits.OptimalTransferBlocks);
        body.PutU32(20 - HeaderBytes, ScsiLimits.MaxUnmapBlocks);
        body.PutU32(24 - HeaderBytes, ScsiLimits.MaxUnmapDescriptors);
        body.PutU32(28 - HeaderBytes, (uint)Math.Max(clusterBlocks, physicalBlocks));  // OPTIMAL UNMAP GRANULARITY
        body.PutU32(32 - HeaderBytes, AlignmentValid);                                // from block 0 on
        body.PutU64(36 - HeaderBytes, ScsiLimits.MaxWriteSameBlocks);
        return body;
    }
}
