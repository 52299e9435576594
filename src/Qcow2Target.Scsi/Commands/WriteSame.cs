using System.Buffers;
using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>WRITE SAME (10) and (16) (SBC-3 5.39, 5.40; NDOB as SBC-4 has it).</summary>
internal static class WriteSame
{
    private const byte AnchorFlag = 0x10;
    private const int AnchorBit = 4;
    private const byte UnmapFlag = 0x08;
    private const byte PhysicalData = 0x04;   // PBDATA and LBDATA: obsolete ways to number the blocks
    private const int PhysicalDataBit = 2;
    private const byte LogicalData = 0x02;
    private const int LogicalDataBit = 1;
    private const byte NoDataOut = 0x01;

    public static CommandPlan Begin10(in CommandContext context) => Begin(context, hasData: true);

    public static CommandPlan Begin16(in CommandContext context) => Begin(context, hasData: (context.Cdb[1] & NoDataOut) == 0);

    private static CommandPlan Begin(in CommandContext context, bool hasData)
    {
        BlockCdb cdb = BlockCdb.Parse(context.Cdb);
        if ((FieldRefusal(cdb) ?? context.MediumRefusal(MediumUse.Write, cdb.Range)) is { } sense)
            return context.Refuse(sense);

        BlockDeviceShape shape = context.Shape;
        ulong blocks = cdb.Range.Blocks == 0 ? (ulong)shape.Blocks - cdb.Range.Lba : cdb.Range.Blocks;   // 0: to the end
        if (blocks > ScsiLimits.MaxWriteSameBlocks)
            return context.Refuse(SenseData.InvalidFieldInCdb(BlockCdb.BlocksField(context.Cdb[0])));
        if (hasData && context.ExpectedDataOut != shape.BlockBytes)
            return context.Refuse(SenseData.InvalidFieldInInformationUnit);

        LogicalUnit unit = context.Unit;
        long offset = cdb.Range.Offset(shape);
        long length = (long)blocks * shape.BlockBytes;
        ZeroMode mode = (cdb.Flags & UnmapFlag) != 0 ? ZeroMode.FreeSpace : ZeroMode.KeepSpace;
        if (!hasData)
            return CommandPlan.Execute(unit, (_, cancellationToken) => ZeroAsync(unit, offset, length, mode, cancellationToken));

        return CommandPlan.Parameters(unit, shape.BlockBytes, (block, cancellationToken) =>
            block.Length < shape.BlockBytes ? new(unit.Check(SenseData.InvalidFieldInInformationUnit))
            : mode == ZeroMode.KeepSpace && block.Span.ContainsAnyExcept((byte)0) ? RepeatAsync(unit, offset, length, block, cancellationToken)
            : ZeroAsync(unit, offset, length, mode, cancellationToken));
    }

    private static SenseData? FieldRefusal(BlockCdb cdb) => cdb switch
    {
        { HasProtect: true } => SenseData.InvalidFieldInCdb(1, BlockCdb.ProtectBit),
        _ when (cdb.Flags & AnchorFlag) != 0 => SenseData.InvalidFieldInCdb(1, AnchorBit),
        _ when (cdb.Flags & PhysicalData) != 0 => SenseData.InvalidFieldInCdb(1, PhysicalDataBit),
        _ when (cdb.Flags & LogicalData) != 0 => SenseData.InvalidFieldInCdb(1, LogicalDataBit),
        _ => null,
    };

    private static async ValueTask<ScsiOutcome> ZeroAsync(LogicalUnit unit, long offset, long length, ZeroMode mode, CancellationToken cancellationToken)
    {
        if (length > 0)
            await unit.Medium.ZeroAsync(offset, length, mode, cancellationToken).ConfigureAwait(false);
        return await unit.SettleAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// A pattern that is not zero is written. Not so with UNMAP: LBPRZ promises zeros for what is unmapped, other targets do not look at the
    /// block then, and initiators (the libiscsi suite among them) rely on that.
    /// </summary>
    private static async ValueTask<ScsiOutcome> RepeatAsync(
        LogicalUnit unit, long offset, long length, ReadOnlyMemory<byte> block, CancellationToken cancellationToken)
    {
        int pieceBytes = (int)Math.Min(ScsiLimits.PieceBytes, length);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(pieceBytes);
        try
        {
            for (int at = 0; at < pieceBytes; at += block.Length)
                block.Span.CopyTo(buffer.AsSpan(at));

            for (long done = 0; done < length;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int piece = (int)Math.Min(pieceBytes, length - done);
                await unit.Medium.WriteAsync(offset + done, buffer.AsMemory(0, piece), cancellationToken).ConfigureAwait(false);
                done += piece;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return await unit.SettleAsync().ConfigureAwait(false);
    }
}
