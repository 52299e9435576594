using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Commands;

/// <summary>READ DEFECT DATA (10) and (12) (SBC-3 5.17, 5.18): the lists that were asked for, in the format that was asked for, and empty.</summary>
internal static class ReadDefectData
{
    private const byte ListsAndFormat = 0x1F;   // REQ_PLIST, REQ_GLIST, DEFECT LIST FORMAT: the answer says them again
    private const int Header10 = 4;
    private const int Header12 = 8;

    public static CommandPlan Begin10(in CommandContext context) => Answer(context, Header10, context.Cdb[2], context.Cdb.U16(7));

    public static CommandPlan Begin12(in CommandContext context) => Answer(context, Header12, context.Cdb[1], context.Cdb.U32(6));

    private static CommandPlan Answer(in CommandContext context, int headerBytes, byte request, uint allocationLength)
    {
        if (context.MediumRefusal(MediumUse.Read) is { } sense)
            return context.Refuse(sense);
        byte[] data = new byte[headerBytes];
        data[1] = (byte)(request & ListsAndFormat);
        return context.Answer(data, allocationLength);
    }
}
