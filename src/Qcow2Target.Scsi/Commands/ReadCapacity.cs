using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Commands;

/// <summary>READ CAPACITY (10) and (16) (SBC-3 5.15, 5.16).</summary>
internal static class ReadCapacity
{
    private const byte ProvisioningEnabled = 0x80;   // LBPME
    private const byte UnmappedReadsZero = 0x40;     // LBPRZ
    private const int Bytes10 = 8;
    private const int Bytes16 = 32;

    public static CommandPlan Begin10(in CommandContext context)
    {
        if (context.MediumRefusal(MediumUse.Read) is { } sense)
            return context.Refuse(sense);

        byte[] data = new byte[Bytes10];
        data.PutU32(0, (uint)Math.Min(context.Shape.Blocks - 1, uint.MaxValue));   // FFFFFFFF: ask (16)
        data.PutU32(4, (uint)context.Shape.BlockBytes);
        return context.Answer(data, Bytes10);
    }

    public static CommandPlan Begin16(in CommandContext context)
    {
        if (context.MediumRefusal(MediumUse.Read) is { } sense)
            return context.Refuse(sense);

        BlockDeviceShape shape = context.Shape;
        byte[] data = new byte[Bytes16];
        data.PutU64(0, (ulong)shape.Blocks - 1);
        data.PutU32(8, (uint)shape.BlockBytes);
        data[13] = (byte)int.Log2(shape.PhysicalBlockBytes / shape.BlockBytes);
        data[14] = ProvisioningEnabled | UnmappedReadsZero;
        return context.Answer(data, context.Cdb.U32(10));
    }
}
