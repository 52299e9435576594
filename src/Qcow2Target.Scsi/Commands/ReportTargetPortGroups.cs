using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>REPORT TARGET PORT GROUPS (SPC-4 6.37): one group, active and optimized, with the port that was asked. The length is never cut.</summary>
internal static class ReportTargetPortGroups
{
    private const int FormatField = 1;
    private const int FormatShift = 5;
    private const int FormatBit = 7;
    private const int AllocationField = 6;

    private const byte ExtendedFormat = 0x10;
    private const byte ActiveOptimized = 0x00;
    private const byte SupportsActiveOptimized = 0x01;
    private const int GroupBytes = 8;
    private const int PortBytes = 4;
    private const int LengthFieldBytes = 4;

    public static CommandPlan Begin(in CommandContext context)
    {
        int format = context.Cdb[FormatField] >> FormatShift;
        if (format > 1)
            return context.Refuse(SenseData.InvalidFieldInCdb(FormatField, FormatBit));

        TargetPort port = context.Nexus.Nexus.Port;
        int group = LengthFieldBytes + (format == 0 ? 0 : 4);
        byte[] data = new byte[group + GroupBytes + PortBytes];
        data.PutU32(0, (uint)(data.Length - LengthFieldBytes));
        if (format == 1)
            data[4] = ExtendedFormat;
        data[group] = ActiveOptimized;
        data[group + 1] = SupportsActiveOptimized;
        data.PutU16(group + 2, port.PortalGroupTag);
        data[group + 7] = 1;
        data.PutU16(group + GroupBytes + 2, port.RelativePortId);
        return context.Answer(data, context.Cdb.U32(AllocationField));
    }
}
