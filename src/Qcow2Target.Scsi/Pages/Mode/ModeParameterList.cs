using System.Numerics;
using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Pages.Mode;

/// <summary>Reads the parameter list of a MODE SELECT (SPC-4 7.5.4).</summary>
internal static class ModeParameterList
{
    private const byte CodeMask = 0x3F;

    /// <summary>Judges the whole list; nothing is in force yet.</summary>
    /// <param name="list">At least as long as the header.</param>
    /// <param name="form">The header it begins with.</param>
    /// <param name="shape">The disk, which the block descriptor must describe.</param>
    /// <param name="before">The parameters in force.</param>
    /// <param name="after">What they become.</param>
    /// <returns>Why the list is refused, or null.</returns>
    public static SenseData? Parse(ReadOnlySpan<byte> list, ModeHeader form, BlockDeviceShape shape, ModeParameters before, out ModeParameters after)
    {
        after = before;
        int header = ModeParameterHeader.Bytes(form);
        int descriptorBytes = form == ModeHeader.Short ? list[3] : list.U16(6);
        int descriptorLengthField = form == ModeHeader.Short ? 3 : 6;
        if (descriptorBytes > list.Length - header)
            return SenseData.ParameterListLengthError;
        if (DescriptorRefusal(list, header, descriptorBytes, IsLong(list, form), shape, descriptorLengthField) is { } sense)
            return sense;

        for (int at = header + descriptorBytes; at < list.Length;)
        {
            if (ParsePage(list, at, before, ref after, out int pageBytes) is { } refusal)
                return refusal;
            at += pageBytes;
        }

        return null;
    }

    private static bool IsLong(ReadOnlySpan<byte> list, ModeHeader form) => form == ModeHeader.Long && (list[4] & ModeParameterHeader.LongLba) != 0;

    // The capacity is not to be set: the descriptor must be absent or say what is so. A count of 0 stands for "as it is".
    private static SenseData? DescriptorRefusal(
        ReadOnlySpan<byte> list, int at, int bytes, bool isLong, BlockDeviceShape shape, int lengthField)
    {
        if (bytes == 0)
            return null;
        if (bytes != (isLong ? ModeParameterHeader.LongDescriptorBytes : ModeParameterHeader.ShortDescriptorBytes))
            return SenseData.InvalidFieldInParameterList(lengthField);

        ulong count = isLong ? list.U64(at) : list.U32(at);
        ulong right = isLong ? (ulong)shape.Blocks : ModeParameterHeader.ShortCount(shape);
        if (count != 0 && count != right)
            return SenseData.InvalidFieldInParameterList(at);
        int blockLengthField = at + (isLong ? 12 : 5);
        uint blockLength = isLong ? list.U32(blockLengthField) : list.U32(blockLengthField - 1) & 0xFF_FFFF;
        return blockLength == shape.BlockBytes ? null : SenseData.InvalidFieldInParameterList(blockLengthField);
    }

    private static SenseData? ParsePage(ReadOnlySpan<byte> list, int at, ModeParameters before, ref ModeParameters after, out int pageBytes)
    {
        pageBytes = 0;
        ReadOnlySpan<byte> rest = list[at..];
        bool hasSubcode = (rest[0] & ModePages.SubpageFormat) != 0;
        int header = hasSubcode ? 4 : 2;
        if (rest.Length < header)
            return SenseData.ParameterListLengthError;

        if (ModePages.Find((byte)(rest[0] & CodeMask), hasSubcode ? rest[1] : (byte)0) is not { } page || page.HeaderBytes != header)
            return SenseData.InvalidFieldInParameterList(at, 5);
        int length = header + (hasSubcode ? rest.U16(2) : rest[1]);
        if (length != page.Bytes)
            return SenseData.InvalidFieldInParameterList(at + (hasSubcode ? 2 : 1));
        if (rest.Length < length)
            return SenseData.ParameterListLengthError;

        ReadOnlySpan<byte> sent = rest[..length];
        if (FixedBitRefusal(sent, page, before, at) is { } sense)
            return sense;
        after = page.Apply(sent, after);
        pageBytes = length;
        return null;
    }

    private static SenseData? FixedBitRefusal(ReadOnlySpan<byte> sent, ModePage page, ModeParameters before, int at)
    {
        byte[] current = page.Encode(before);
        byte[] changeable = page.EncodeChangeable();
        for (int i = page.HeaderBytes; i < sent.Length; i++)
        {
            int wrong = (sent[i] ^ current[i]) & ~changeable[i];
            if (wrong != 0)
                return SenseData.InvalidFieldInParameterList(at + i, BitOperations.Log2((uint)wrong));
        }

        return null;
    }
}
