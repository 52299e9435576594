using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Commands;

/// <summary>
/// GET LBA STATUS (SBC-3 5.4): which blocks hold space, from the requested one on. Blocks of one state are one descriptor as far as the
/// looks at the disk go that one command may take; the standard lets the next descriptor, or command, go on with the same state.
/// </summary>
internal static class GetLbaStatus
{
    private const int HeaderBytes = 8;
    private const int DescriptorBytes = 16;
    private const int LengthFieldBytes = 4;   // PARAMETER DATA LENGTH does not count itself

    public static CommandPlan Begin(in CommandContext context)
    {
        ulong lba = context.Cdb.U64(2);
        if (context.MediumRefusal(MediumUse.Read, new BlockRange(lba, 1)) is { } sense)
            return context.Refuse(sense);

        LogicalUnit unit = context.Unit;
        BlockDeviceShape shape = context.Shape;
        uint allocationLength = context.Cdb.U32(10);
        return CommandPlan.Execute(unit, (_, cancellationToken) => DescribeAsync(unit.Device, shape, (long)lba, allocationLength, cancellationToken));
    }

    private static async ValueTask<ScsiOutcome> DescribeAsync(
        IBlockDevice device, BlockDeviceShape shape, long lba, uint allocationLength, CancellationToken cancellationToken)
    {
        int room = (int)Math.Clamp(((long)allocationLength - HeaderBytes) / DescriptorBytes, 1, ScsiLimits.MaxLbaStatusDescriptors);
        byte[] data = new byte[HeaderBytes + (room * DescriptorBytes)];
        int end = HeaderBytes;   // of what is in data
        long blocks = 0;         // of the last descriptor
        ProvisioningState state = default;
        for (int looks = room + ScsiLimits.LbaStatusMergingLooks; looks > 0 && lba < shape.Blocks; looks--)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long most = Math.Min(shape.Blocks - lba, uint.MaxValue);
            BlockExtent extent = await device.DescribeAsync(lba * shape.BlockBytes, most * shape.BlockBytes).ConfigureAwait(false);
            long more = extent.Length / shape.BlockBytes;
            if (end > HeaderBytes && extent.State == state && blocks + more <= uint.MaxValue)
            {
                blocks += more;
            }
            else
            {
                if (end == data.Length)
                    break;
                (blocks, state) = (more, extent.State);
                data.PutU64(end, (ulong)lba);
                data[end + 12] = (byte)state;
                end += DescriptorBytes;
            }

            data.PutU32(end - 8, (uint)blocks);
            lba += more;
        }

        data.PutU32(0, (uint)(end - LengthFieldBytes));
        return ScsiOutcome.GoodWith(data.AsMemory(0, (int)Math.Min((uint)end, allocationLength)));
    }
}
