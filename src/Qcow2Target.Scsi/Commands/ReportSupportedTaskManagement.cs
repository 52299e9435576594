using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>
/// REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS (SPC-4 6.36). The functions are done by the owner of the tasks, of which this room knows nothing:
/// that it does these and no others is held to by a test of the whole.
/// </summary>
internal static class ReportSupportedTaskManagement
{
    private const int OptionsField = 2;
    private const byte ReturnExtended = 0x80;   // REPD
    private const int AllocationField = 6;
    private const uint MinAllocation = 4;
    private const int BasicBytes = 4;
    private const int ExtendedBytes = 16;

    private const byte AbortTask = 0x80;
    private const byte AbortTaskSet = 0x40;
    private const byte ClearTaskSet = 0x10;
    private const byte LogicalUnitReset = 0x08;

    public static CommandPlan Begin(in CommandContext context)
    {
        uint allocationLength = context.Cdb.U32(AllocationField);
        if (allocationLength < MinAllocation)
            return context.Refuse(SenseData.InvalidFieldInCdb(AllocationField));

        bool extended = (context.Cdb[OptionsField] & ReturnExtended) != 0;
        byte[] data = new byte[extended ? ExtendedBytes : BasicBytes];
        data[0] = AbortTask | AbortTaskSet | ClearTaskSet | LogicalUnitReset;
        if (extended)
            data[3] = ExtendedBytes - 4;
        return context.Answer(data, allocationLength);
    }
}
