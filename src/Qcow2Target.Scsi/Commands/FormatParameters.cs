using System.Numerics;
using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Operations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>Form of the header of a FORMAT UNIT parameter list (LONGLIST).</summary>
internal enum FormatHeader
{
    Short,
    Long,
}

/// <summary>
/// The parameter list of FORMAT UNIT (SBC-3 5.4.2): a header, an initialization pattern descriptor where the header says so, and a defect
/// list, which must be empty: a disk of ours has no blocks to give up.
/// </summary>
/// <param name="Status">When the command ends (IMMED).</param>
/// <param name="Pattern">The initialization pattern, or null for the default one, zeros.</param>
internal readonly record struct FormatParameters(StatusTime Status, BlockPattern? Pattern)
{
    private const int FlagsField = 1;
    private const byte FormatOptionsValid = 0x80;
    private const byte InitializationPattern = 0x08;
    private const byte Immediate = 0x02;
    private const byte Options = 0x7C;   // DPRY, DCRT, STPF, IP, DSP: nothing but their defaults without FOV
    private const byte VendorSpecific = 0x01;
    private const int ProtectionInformationField = 3;
    private const int DescriptorBytes = 4;
    private const byte DefaultPattern = 0x00;
    private const byte RepeatedPattern = 0x01;
    private const int PatternLengthField = 2;

    /// <summary>Longest list that can be taken.</summary>
    public static int MaxBytes(FormatHeader form, int blockBytes) => HeaderBytes(form) + DescriptorBytes + blockBytes;

    /// <summary>Judges the whole list; bytes behind it are not looked at.</summary>
    /// <returns>Why it is refused, or null.</returns>
    public static SenseData? Parse(ReadOnlySpan<byte> list, FormatHeader form, int blockBytes, out FormatParameters parameters)
    {
        parameters = default;
        int header = HeaderBytes(form);
        if (list.Length < header)
            return SenseData.ParameterListLengthError;
        if (HeaderRefusal(list, form) is { } refusal)
            return refusal;

        byte flags = list[FlagsField];
        BlockPattern? pattern = null;
        if ((flags & InitializationPattern) != 0 && ParsePattern(list, header, blockBytes, out pattern) is { } sense)
            return sense;
        parameters = new FormatParameters((flags & Immediate) != 0 ? StatusTime.AtTheBeginning : StatusTime.AtTheEnd, pattern);
        return null;
    }

    private static int HeaderBytes(FormatHeader form) => form == FormatHeader.Short ? 4 : 8;

    private static SenseData? HeaderRefusal(ReadOnlySpan<byte> list, FormatHeader form)
    {
        // Protection information is not supported: PROTECTION FIELDS USAGE, and in the long header what goes with it, must be 0.
        if (FirstBit(list, 0, 0xFF) is { } usage)
            return usage;
        byte flags = list[FlagsField];
        if (FirstBit(list, FlagsField, (byte)(VendorSpecific | ((flags & FormatOptionsValid) == 0 ? Options : 0))) is { } option)
            return option;
        if (form == FormatHeader.Short)
            return list.U16(2) == 0 ? null : SenseData.InvalidFieldInParameterList(2);
        return FirstBit(list, 2, 0xFF) ?? FirstBit(list, ProtectionInformationField, 0xFF) ?? (list.U32(4) == 0 ? null : SenseData.InvalidFieldInParameterList(4));
    }

    // SI is refused: clusters that the image held earlier are the file system's by now, out of our reach. So is the obsolete modifier.
    private static SenseData? ParsePattern(ReadOnlySpan<byte> list, int at, int blockBytes, out BlockPattern? pattern)
    {
        pattern = null;
        if (list.Length < at + DescriptorBytes)
            return SenseData.ParameterListLengthError;
        if (FirstBit(list, at, 0xFF) is { } modifier)
            return modifier;
        byte type = list[at + 1];
        int length = list.U16(at + PatternLengthField);
        switch (type)
        {
            case DefaultPattern:
                return length == 0 ? null : SenseData.InvalidFieldInParameterList(at + PatternLengthField);
            case RepeatedPattern when length == 0 || length > blockBytes:
                return SenseData.InvalidFieldInParameterList(at + PatternLengthField);
            case RepeatedPattern when list.Length < at + DescriptorBytes + length:
                return SenseData.ParameterListLengthError;
            case RepeatedPattern:
                pattern = new BlockPattern(list.Slice(at + DescriptorBytes, length), blockBytes);
                return null;
            default:
                return SenseData.InvalidFieldInParameterList(at + 1);
        }
    }

    /// <summary>The highest bit of those in <paramref name="mask"/> that is set and may not be.</summary>
    private static SenseData? FirstBit(ReadOnlySpan<byte> list, int at, byte mask) =>
        (list[at] & mask) is var wrong and not 0 ? SenseData.InvalidFieldInParameterList(at, BitOperations.Log2((uint)wrong)) : null;
}
