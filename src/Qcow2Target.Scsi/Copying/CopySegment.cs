using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Copying;

/// <summary>
/// A segment descriptor: block device to block device (type 02h, SPC-4 6.4.6.3), or with byte offsets (type 0Ah). Bytes are counted from a
/// block, whose size is the unit's.
/// </summary>
/// <param name="Source">Index of the target descriptor.</param>
/// <param name="Destination">Index of the target descriptor.</param>
/// <param name="SourceLba">Block where reading begins.</param>
/// <param name="DestinationLba">Block where writing begins.</param>
/// <param name="SourceOffset">Bytes into that block.</param>
/// <param name="DestinationOffset">Bytes into that block.</param>
/// <param name="Blocks">How much, in blocks; 0 where <paramref name="Bytes"/> says it.</param>
/// <param name="Bytes">How much, in bytes; 0 where <paramref name="Blocks"/> says it.</param>
internal sealed record CopySegment(
    int Source, int Destination, ulong SourceLba, ulong DestinationLba, int SourceOffset, int DestinationOffset, int Blocks, uint Bytes)
{
    /// <summary>Type code: blocks.</summary>
    public const byte BlockToBlock = 0x02;

    /// <summary>Type code: blocks with offsets.</summary>
    public const byte BlockToBlockWithOffsets = 0x0A;

    private const int HeaderBytes = 4;
    private const int BlockToBlockBytes = 28;
    private const int WithOffsetsBytes = 32;

    /// <summary>Descriptors in a list, as far as their lengths can be followed.</summary>
    public static int Count(ReadOnlySpan<byte> list)
    {
        int count = 0;
        for (int at = 0; at < list.Length; count++)
            at += list.Length - at < HeaderBytes ? list.Length : HeaderBytes + list.U16(at + 2);
        return count;
    }

    /// <summary>Reads the first descriptor of <paramref name="list"/>, which stands at byte <paramref name="start"/> of the parameters.</summary>
    public static SenseData? Parse(ReadOnlySpan<byte> list, int start, out CopySegment? segment, out int bytes)
    {
        segment = null;
        bytes = list[0] == BlockToBlock ? BlockToBlockBytes : WithOffsetsBytes;
        if (list[0] is not (BlockToBlock or BlockToBlockWithOffsets))
            return SenseData.UnsupportedSegmentDescriptor;
        if (list.Length < bytes || list.U16(2) != bytes - HeaderBytes)
            return SenseData.InvalidFieldInParameterList(start + 2);

        int source = list.U16(4);
        int destination = list.U16(6);
        if (list[0] == BlockToBlock)
        {
            segment = new CopySegment(source, destination, list.U64(12), list.U64(20), 0, 0, list.U16(10), 0);
            return null;
        }

        uint length = list.U32(8);
        if (length > ScsiLimits.MaxCopySegmentBytes)
            return SenseData.InvalidFieldInParameterList(start + 8);
        segment = new CopySegment(source, destination, list.U64(12), list.U64(20), list.U16(28), list.U16(30), 0, length);
        return null;
    }

    /// <summary>The bytes of a unit that it reads or writes; null when they are not all on the unit.</summary>
    public (long Offset, long Length)? RangeOn(BlockDeviceShape shape, CopySide side)
    {
        (ulong lba, int offset) = side == CopySide.Source ? (SourceLba, SourceOffset) : (DestinationLba, DestinationOffset);
        long length = Bytes + ((long)Blocks * shape.BlockBytes);
        UInt128 first = ((UInt128)lba * (uint)shape.BlockBytes) + (uint)offset;
        UInt128 capacity = (UInt128)(ulong)shape.Blocks * (uint)shape.BlockBytes;
        return first + (ulong)length <= capacity ? ((long)first, length) : null;
    }
}

/// <summary>Which end of a segment.</summary>
internal enum CopySide
{
    Source,
    Destination,
}
