using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Operations;

/// <summary>The parameter list of SANITIZE OVERWRITE (SBC-3 table 91), and the overwriting.</summary>
internal sealed class SanitizePattern
{
    public const int HeaderBytes = 4;

    private const byte Invert = 0x80;
    private const byte Test = 0x60;
    private const int TestBit = 6;
    private const byte Count = 0x1F;
    private const int CountBit = 4;
    private const int LengthField = 2;

    private readonly BlockPattern _block;
    private readonly bool _inverts;

    private SanitizePattern(BlockPattern block, int passes, bool inverts) => (_block, Passes, _inverts) = (block, passes, inverts);

    /// <summary>1 to 31.</summary>
    public int Passes { get; }

    /// <summary>Reads the list; the pattern is repeated over each block from its first byte on.</summary>
    public static SenseData? Parse(ReadOnlySpan<byte> list, int blockBytes, out SanitizePattern? pattern)
    {
        pattern = null;
        if (list.Length <= HeaderBytes)
            return SenseData.ParameterListLengthError;
        byte flags = list[0];
        if ((flags & Test) != 0)
            return SenseData.InvalidFieldInParameterList(0, TestBit);
        if ((flags & Count) == 0)
            return SenseData.InvalidFieldInParameterList(0, CountBit);
        int length = list.U16(LengthField);
        if (length == 0 || length > blockBytes || length != list.Length - HeaderBytes)
            return SenseData.InvalidFieldInParameterList(LengthField);

        pattern = new SanitizePattern(new BlockPattern(list[HeaderBytes..], blockBytes), flags & Count, (flags & Invert) != 0);
        return null;
    }

    /// <summary>All passes over the whole medium.</summary>
    public async Task OverwriteAsync(IBlockDevice device, UnitOperation operation)
    {
        for (int pass = 0; pass < Passes; pass++)
            await (_inverts && pass % 2 == 1 ? _block.Inverted() : _block).WriteEverywhereAsync(device, operation).ConfigureAwait(false);
    }
}
