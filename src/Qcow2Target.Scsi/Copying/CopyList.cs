using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Copying;

/// <summary>How long the outcome of a copy is kept for RECEIVE COPY RESULTS (LIST ID USAGE, SPC-4 table 111).</summary>
internal enum ListIdUsage
{
    Hold = 0,
    Discard = 2,
    None = 3,
}

/// <summary>The parameter list of EXTENDED COPY (LID1) (SPC-4 6.4.3): a header, descriptors of units, descriptors of what to copy.</summary>
internal sealed class CopyList
{
    public const int HeaderBytes = 16;

    private const int UsageBit = 4;
    private const int TargetsLengthField = 2;
    private const int SegmentsLengthField = 8;
    private const int InlineLengthField = 12;

    private CopyList(byte id, ListIdUsage usage, CopyTarget[] targets, CopySegment[] segments) =>
        (Id, Usage, Targets, Segments) = (id, usage, targets, segments);

    /// <summary>LIST IDENTIFIER.</summary>
    public byte Id { get; }

    public ListIdUsage Usage { get; }

    public CopyTarget[] Targets { get; }

    public CopySegment[] Segments { get; }

    /// <summary>Reads the list, of at least a header. The order of the checks is one that initiators observe.</summary>
    public static SenseData? Parse(ReadOnlySpan<byte> list, out CopyList? parsed)
    {
        parsed = null;
        long targetBytes = list.U16(TargetsLengthField);
        long segmentBytes = list.U32(SegmentsLengthField);
        long inlineBytes = list.U32(InlineLengthField);
        if (HeaderBytes + targetBytes + segmentBytes + inlineBytes > list.Length || targetBytes + segmentBytes > ScsiLimits.MaxCopyListBytes)
            return SenseData.ParameterListLengthError;
        if (targetBytes / CopyTarget.Bytes > ScsiLimits.MaxCopyTargets)
            return SenseData.TooManyTargetDescriptors;

        ReadOnlySpan<byte> segmentList = list.Slice(HeaderBytes + (int)targetBytes, (int)segmentBytes);
        if (CopySegment.Count(segmentList) > ScsiLimits.MaxCopySegments)
            return SenseData.TooManySegmentDescriptors;
        if (ReadTargets(list.Slice(HeaderBytes, (int)targetBytes), out CopyTarget[] targets) is { } badTarget)
            return badTarget;
        if (ReadSegments(segmentList, HeaderBytes + (int)targetBytes, out CopySegment[] segments) is { } badSegment)
            return badSegment;

        byte id = list[0];
        var usage = (ListIdUsage)((list[1] >> 3) & 3);
        if (!Enum.IsDefined(usage))
            return SenseData.InvalidFieldInParameterList(1, UsageBit);
        if (usage == ListIdUsage.None && id != 0)
            return SenseData.InvalidFieldInParameterList(0);
        if (inlineBytes != 0)
            return SenseData.InvalidFieldInParameterList(InlineLengthField);
        parsed = new CopyList(id, usage, targets, segments);
        return null;
    }

    private static SenseData? ReadTargets(ReadOnlySpan<byte> list, out CopyTarget[] targets)
    {
        var read = new List<CopyTarget>();
        targets = [];
        for (int at = 0; at < list.Length; at += CopyTarget.Bytes)
        {
            if (list[at] != CopyTarget.Identification)
                return SenseData.UnsupportedTargetDescriptor;
            if (list.Length - at < CopyTarget.Bytes)
                return SenseData.InvalidFieldInParameterList(TargetsLengthField);
            if (CopyTarget.Parse(list.Slice(at, CopyTarget.Bytes), HeaderBytes + at, out CopyTarget? target) is { } sense)
                return sense;
            read.Add(target!);
        }

        targets = [.. read];
        return null;
    }

    private static SenseData? ReadSegments(ReadOnlySpan<byte> list, int start, out CopySegment[] segments)
    {
        var read = new List<CopySegment>();
        segments = [];
        for (int at = 0; at < list.Length;)
        {
            if (CopySegment.Parse(list[at..], start + at, out CopySegment? segment, out int bytes) is { } sense)
                return sense;
            read.Add(segment!);
            at += bytes;
        }

        segments = [.. read];
        return null;
    }
}
