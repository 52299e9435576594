namespace Qcow2Target.Scsi.Operations;

/// <summary>Bytes that are written over every block of a medium, repeated over each block from its first byte on.</summary>
internal sealed class BlockPattern
{
    private readonly byte[] _block;

    /// <param name="pattern">1 to <paramref name="blockBytes"/> bytes.</param>
    /// <param name="blockBytes">Size of a block, a power of two of at most <see cref="ScsiLimits.PieceBytes"/>.</param>
    public BlockPattern(ReadOnlySpan<byte> pattern, int blockBytes)
    {
        _block = new byte[blockBytes];
        for (int i = 0; i < blockBytes; i++)
            _block[i] = pattern[i % pattern.Length];
    }

    private BlockPattern(byte[] block) => _block = block;

    public bool IsZero => _block.AsSpan().IndexOfAnyExcept((byte)0) < 0;

    public BlockPattern Inverted() => new(Array.ConvertAll(_block, b => (byte)~b));

    /// <summary>Writes it over the whole medium; durable when it ends.</summary>
    public async Task WriteEverywhereAsync(IBlockDevice device, UnitOperation operation)
    {
        byte[] piece = new byte[ScsiLimits.PieceBytes];
        for (int filled = 0; filled < piece.Length; filled += _block.Length)
            _block.CopyTo(piece, filled);

        long capacity = WholeMedium.BytesOf(device.Shape);
        for (long offset = 0; offset < capacity; offset += piece.Length)
        {
            int length = (int)Math.Min(piece.Length, capacity - offset);
            long at = offset;
            await operation.WriteAsync(length, () => device.OverwriteAsync(at, piece.AsMemory(0, length))).ConfigureAwait(false);
        }

        await device.FlushAsync().ConfigureAwait(false);
    }
}
