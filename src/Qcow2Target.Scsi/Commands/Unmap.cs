using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>UNMAP (SBC-3 5.25). The blocks read as zeros afterwards, also where no whole cluster could be given back (LBPRZ).</summary>
internal static class Unmap
{
    private const byte Anchor = 0x01;
    private const int HeaderBytes = 8;
    private const int DescriptorBytes = 16;
    private const int DescriptorLengthField = 2;
    private const int BlocksFieldOfDescriptor = 8;

    public static CommandPlan Begin(in CommandContext context)
    {
        if ((context.Cdb[1] & Anchor) != 0)
            return context.Refuse(SenseData.InvalidFieldInCdb(1, 0));
        if (context.MediumRefusal(MediumUse.Write) is { } sense)
            return context.Refuse(sense);

        LogicalUnit unit = context.Unit;
        int listLength = context.Cdb.U16(7);
        return listLength switch
        {
            0 => context.Good(),
            < HeaderBytes => context.Refuse(SenseData.ParameterListLengthError),
            _ => CommandPlan.Parameters(unit, listLength, (list, cancellationToken) =>
                list.Length < listLength
                    ? new(unit.Check(SenseData.ParameterListLengthError))
                    : ExecuteAsync(unit, list, cancellationToken)),
        };
    }

    private static async ValueTask<ScsiOutcome> ExecuteAsync(LogicalUnit unit, ReadOnlyMemory<byte> list, CancellationToken cancellationToken)
    {
        BlockDeviceShape shape = unit.Device.Shape;
        if (Parse(list.Span, shape, out BlockRange[] ranges) is { } sense)
            return unit.Check(sense);

        foreach (BlockRange range in ranges)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (range.Blocks > 0)
                await unit.Medium.ZeroAsync(range.Offset(shape), range.Bytes(shape), ZeroMode.FreeSpace, cancellationToken).ConfigureAwait(false);
        }

        return await unit.SettleAsync().ConfigureAwait(false);
    }

    /// <summary>All ranges of the list, or why none of them is unmapped. A descriptor that is not whole is no descriptor.</summary>
    private static SenseData? Parse(ReadOnlySpan<byte> list, BlockDeviceShape shape, out BlockRange[] ranges)
    {
        ranges = [];
        int descriptors = Math.Min(list.U16(DescriptorLengthField), list.Length - HeaderBytes) / DescriptorBytes;
        if (descriptors > ScsiLimits.MaxUnmapDescriptors)
            return SenseData.InvalidFieldInParameterList(DescriptorLengthField);

        var parsed = new BlockRange[descriptors];
        ulong blocks = 0;
        for (int i = 0; i < descriptors; i++)
        {
            int at = HeaderBytes + (i * DescriptorBytes);
            parsed[i] = new BlockRange(list.U64(at), list.U32(at + BlocksFieldOfDescriptor));
            if (!parsed[i].IsWithin(shape))
                return SenseData.LbaOutOfRange;
            blocks += parsed[i].Blocks;
            if (blocks > ScsiLimits.MaxUnmapBlocks)
                return SenseData.InvalidFieldInParameterList(at + BlocksFieldOfDescriptor);
        }

        ranges = parsed;
        return null;
    }
}
