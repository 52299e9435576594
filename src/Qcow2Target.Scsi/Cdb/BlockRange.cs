namespace Qcow2Target.Scsi.Cdb;

/// <summary>Logical blocks as a CDB or parameter list names them: any 64-bit address, so nothing may be added before <see cref="IsWithin"/>.</summary>
internal readonly record struct BlockRange(ulong Lba, uint Blocks)
{
    /// <summary>Whether it ends at or before the last block; an empty one may begin just behind it (SBC-3 4.4.2).</summary>
    public bool IsWithin(BlockDeviceShape shape)
    {
        ulong capacity = (ulong)shape.Blocks;
        return Blocks <= capacity && Lba <= capacity - Blocks;
    }

    /// <summary>Bytes from the start of the disk; only for a range within it.</summary>
    public long Offset(BlockDeviceShape shape) => (long)Lba * shape.BlockBytes;

    public long Bytes(BlockDeviceShape shape) => (long)Blocks * shape.BlockBytes;
}
