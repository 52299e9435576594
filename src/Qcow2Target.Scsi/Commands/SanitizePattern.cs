using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

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

    private readonly byte[] _block;
    private readonly bool _inverts;

    private SanitizePattern(byte[] block, int passes, bool inverts) => (_block, Passes, _inverts) = (block, passes, inverts);

    /// <summary>1 to 31.</summary>
    public int Passes { get; }

    /// <summary>Reads the list; the pattern is repeated over each block from its first byte on.</summary>
    public static SenseData? Parse(ReadOnlySpan<byte> list, int blockBytes, out SanitizePattern? pattern)
    {
        pattern = null;
        byte flags = list[0];
        if ((flags & Test) != 0)
            return SenseData.InvalidFieldInParameterList(0, TestBit);
        if ((flags & Count) == 0)
            return SenseData.InvalidFieldInParameterList(0, CountBit);
        int length = list.U16(LengthField);
        if (length == 0 || length > blockBytes || length != list.Length - HeaderBytes)
            return SenseData.InvalidFieldInParameterList(LengthField);

        byte[] block = new byte[blockBytes];
        for (int i = 0; i < blockBytes; i++)
            block[i] = list[HeaderBytes + (i % length)];
        pattern = new SanitizePattern(block, flags & Count, (flags & Invert) != 0);
        return null;
    }

    /// <summary>One pass over the whole medium.</summary>
    public async Task OverwriteAsync(IBlockDevice device, UnitOperation operation)
    {
        for (int pass = 0; pass < Passes; pass++)
        {
            byte[] piece = new byte[ScsiLimits.PieceBytes];
            for (int at = 0; at < piece.Length; at++)
                piece[at] = (byte)(_inverts && pass % 2 == 1 ? ~_block[at % _block.Length] : _block[at % _block.Length]);

            long capacity = device.Shape.Blocks * device.Shape.BlockBytes;
            for (long offset = 0; offset < capacity; offset += piece.Length)
            {
                int length = (int)Math.Min(piece.Length, capacity - offset);
                await device.WriteAsync(offset, piece.AsMemory(0, length)).ConfigureAwait(false);
                operation.Advance(length);
            }

            await device.FlushAsync().ConfigureAwait(false);
        }
    }
}
