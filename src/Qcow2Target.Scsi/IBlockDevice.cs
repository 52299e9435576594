namespace Qcow2Target.Scsi;

/// <summary>
/// The disk under a logical unit: bytes by offset, whatever holds them. Offsets and lengths are bytes and multiples of 512 unless a
/// transfer was cut short (a partial block, SAM residuals); ranges lie inside the capacity, the caller has checked. All members may
/// be called from any thread, many at once; two writes that overlap and run at once may land in either order, block by block.
/// </summary>
public interface IBlockDevice
{
    /// <summary>Shape of the disk as it is now: an immutable snapshot, replaced when the disk grows.</summary>
    BlockDeviceShape Shape { get; }

    /// <summary>Reads whole, at once, on the caller's thread, if nothing need be waited for. False: nothing happened that counts, use <see cref="ReadAsync"/>.</summary>
    bool TryRead(long offset, Span<byte> destination);

    /// <summary>Writes whole, at once, on the caller's thread, if the clusters are already there. False: use <see cref="WriteAsync"/>; a part may have been written.</summary>
    bool TryWrite(long offset, ReadOnlySpan<byte> source);

    /// <summary>Reads where waiting is needed. <paramref name="destination"/> belongs to the device until the task ends.</summary>
    /// <exception cref="BlockDeviceException">The read failed.</exception>
    ValueTask ReadAsync(long offset, Memory<byte> destination);

    /// <summary>
    /// Writes where waiting is needed. <paramref name="source"/> belongs to the device until the task ends. Where there is no space the device
    /// may hold the write for a while before it fails.
    /// </summary>
    /// <param name="offset">First byte.</param>
    /// <param name="source">The bytes.</param>
    /// <param name="giveUp">Ends a wait for space at once (<see cref="BlockDeviceFault.NoSpace"/>). What is under way is finished all the same.</param>
    /// <exception cref="BlockDeviceException">The write failed.</exception>
    ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, CancellationToken giveUp = default);

    /// <summary>
    /// As <see cref="WriteAsync"/>, but every byte is really written: a device that makes zeros take no space writes these (SBC-3 4.11.2,
    /// overwrite). For who has the whole medium; there is no giving up.
    /// </summary>
    /// <exception cref="BlockDeviceException">The write failed.</exception>
    ValueTask OverwriteAsync(long offset, ReadOnlyMemory<byte> source);

    /// <summary>Makes the range read as zeros. Whole clusters are marked, not written. Holds and gives up as <see cref="WriteAsync"/>.</summary>
    /// <exception cref="BlockDeviceException">The write failed.</exception>
    ValueTask ZeroAsync(long offset, long length, ZeroMode mode, CancellationToken giveUp = default);

    /// <summary>
    /// Tells which state the bytes at <paramref name="offset"/> are in and how far it goes on. The work of one call is bounded, so the state
    /// may go on behind the end of the extent: whoever wants all of it asks again from there.
    /// </summary>
    /// <param name="offset">First byte, a multiple of the block size.</param>
    /// <param name="maxLength">Where the answer may end: bytes, a multiple of the block size, at least one block.</param>
    /// <returns>An extent of at least one and whole blocks, and of <paramref name="maxLength"/> bytes at most.</returns>
    /// <exception cref="BlockDeviceException">The state could not be read.</exception>
    ValueTask<BlockExtent> DescribeAsync(long offset, long maxLength);

    /// <summary>How often a sync has failed: writes that had ended before it and were not durable may be lost, also where the disk works again since.</summary>
    long FailedSyncs { get; }

    /// <summary>Makes every write that has ended before this call durable.</summary>
    /// <exception cref="BlockDeviceException">The sync failed: what was written since the last good one is of unknown fate.</exception>
    ValueTask FlushAsync();
}

/// <summary>What becomes of the space under a range of zeros.</summary>
public enum ZeroMode
{
    /// <summary>Space stays where it can (WRITE SAME without UNMAP).</summary>
    KeepSpace,

    /// <summary>Space is given back where it can (UNMAP, WRITE SAME with UNMAP).</summary>
    FreeSpace,
}

/// <summary>Whether blocks hold space. The values are those of PROVISIONING STATUS (SBC-3 5.4.3).</summary>
public enum ProvisioningState : byte
{
    /// <summary>They hold space, or may hold anything but zeros.</summary>
    Mapped = 0,

    /// <summary>They hold none and read as zeros.</summary>
    Deallocated = 1,
}

/// <summary>Neighbouring bytes in one state.</summary>
/// <param name="Length">Bytes, at least one block.</param>
public readonly record struct BlockExtent(long Length, ProvisioningState State);

/// <summary>Shape of a block device. Sizes in bytes unless the name says blocks.</summary>
/// <param name="Blocks">Capacity in logical blocks, at least 1.</param>
/// <param name="BlockBytes">Logical block size: 512.</param>
/// <param name="PhysicalBlockBytes">Physical block size: a power of two, 512 or 4096.</param>
/// <param name="ClusterBytes">Unit in which space is taken and given back.</param>
/// <param name="IsReadOnly">True: every write is refused with DATA PROTECT.</param>
public sealed record BlockDeviceShape(long Blocks, int BlockBytes, int PhysicalBlockBytes, int ClusterBytes, bool IsReadOnly);

/// <summary>Why a block device could not do what it was asked.</summary>
public enum BlockDeviceFault
{
    /// <summary>The bytes could not be read: MEDIUM ERROR 3/11/00.</summary>
    ReadError,

    /// <summary>The bytes could not be written: MEDIUM ERROR 3/0C/00.</summary>
    WriteError,

    /// <summary>The file system is full: DATA PROTECT 7/27/07.</summary>
    NoSpace,

    /// <summary>The disk is write protected: DATA PROTECT 7/27/00.</summary>
    WriteProtected,

    /// <summary>The disk is being opened or recovered: NOT READY 2/04/01.</summary>
    NotReady,

    /// <summary>The disk was detached: ILLEGAL REQUEST 5/25/00.</summary>
    Gone,

    /// <summary>The image contradicts itself: HARDWARE ERROR 4/44/00.</summary>
    Corrupt,

    /// <summary>A write that the kernel still has was abandoned: no new one may start until it returns. Status BUSY.</summary>
    Fenced,
}

/// <summary>A block device's refusal. The fault is what the initiator learns, the message what the log says.</summary>
public class BlockDeviceException(BlockDeviceFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    public BlockDeviceFault Fault { get; } = fault;
}
