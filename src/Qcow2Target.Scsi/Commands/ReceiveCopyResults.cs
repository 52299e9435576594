using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Copying;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>RECEIVE COPY RESULTS (SPC-4 6.24): COPY STATUS and OPERATING PARAMETERS.</summary>
internal static class ReceiveCopyResults
{
    private const int ListIdField = 2;
    private const int AllocationField = 10;

    private const int StatusBytes = 12;
    private const int Kibibytes = 1;   // TRANSFER COUNT UNITS
    private const byte NoListIdSupported = 0x01;

    /// <summary>Type codes of descriptors, ascending.</summary>
    private static readonly byte[] Descriptors = [CopySegment.BlockToBlock, CopySegment.BlockToBlockWithOffsets, CopyTarget.Identification];

    public static CommandPlan BeginCopyStatus(in CommandContext context)
    {
        if (context.Nexus.Copies.Take(context.Cdb[ListIdField]) is not { } status)
            return context.Refuse(SenseData.InvalidFieldInCdb(ListIdField));

        byte[] data = new byte[StatusBytes];
        data.PutU32(0, StatusBytes - 4);
        data[4] = (byte)status.State;
        data.PutU16(5, status.Segments);
        bool fits = status.Bytes <= uint.MaxValue;
        data[7] = fits ? (byte)0 : (byte)Kibibytes;
        data.PutU32(8, (uint)(fits ? status.Bytes : status.Bytes >> 10));
        return context.Answer(data, context.Cdb.U32(AllocationField));
    }

    public static CommandPlan BeginOperatingParameters(in CommandContext context)
    {
        byte[] data = new byte[44 + Descriptors.Length];
        data.PutU32(0, (uint)data.Length - 4);
        data[4] = NoListIdSupported;
        data.PutU16(8, ScsiLimits.MaxCopyTargets);
        data.PutU16(10, ScsiLimits.MaxCopySegments);
        data.PutU32(12, ScsiLimits.MaxCopyListBytes);
        data.PutU32(16, ScsiLimits.MaxCopySegmentBytes);
        data.PutU16(34, ScsiLimits.MaxConcurrentCopies);
        data[36] = ScsiLimits.MaxConcurrentCopies;
        data[37] = (byte)int.Log2(context.Shape.BlockBytes);
        data[43] = (byte)Descriptors.Length;
        Descriptors.CopyTo(data, 44);
        return context.Answer(data, context.Cdb.U32(AllocationField));
    }
}
