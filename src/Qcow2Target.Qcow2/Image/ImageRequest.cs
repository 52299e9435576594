namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// Something asked of the one writer of an image's metadata (<see cref="MetadataWriter"/>). The owner derives from the three kinds
/// below and gets one <see cref="Complete"/> for each request that it submitted, on the thread that drives the writer.
/// </summary>
public abstract class ImageRequest
{
    private protected ImageRequest()
    {
    }

    /// <summary>
    /// True: nobody waits for it any more, so it is not held for space. May become true at any time, on any thread; a
    /// <see cref="MetadataWriter.Drain"/> must follow. What is under way is finished all the same.
    /// </summary>
    public virtual bool IsAbandoned => false;

    /// <summary>Called exactly once: null for success. Must not throw, wait, or call the writer.</summary>
    protected internal abstract void Complete(ImageFault? fault);
}

/// <summary>
/// A write of <see cref="Data"/> at guest byte <see cref="Offset"/>. When it completes it is what reads see; it is durable after a
/// <see cref="FlushRequest"/> that was submitted later.
/// </summary>
public abstract class WriteRequest : ImageRequest
{
    /// <summary>Guest offset in bytes; offset + length lie inside the virtual size.</summary>
    public abstract long Offset { get; }

    /// <summary>The bytes. They belong to the writer until <see cref="ImageRequest.Complete"/>.</summary>
    public abstract ReadOnlyMemory<byte> Data { get; }
}

/// <summary>What becomes of the host space under a range that is zeroed.</summary>
public enum ZeroSpace
{
    /// <summary>Allocated clusters stay allocated.</summary>
    Keep,

    /// <summary>Allocated clusters are given back after the next commit.</summary>
    Free,
}

/// <summary>
/// Makes a guest range read as zeros: whole clusters by their entry, the rest by writing zeros. The range may be of any size; work and
/// memory are bounded for each step, so it may become visible piece by piece.
/// </summary>
public abstract class ZeroRequest : ImageRequest
{
    /// <summary>Guest offset in bytes; offset + length lie inside the virtual size.</summary>
    public abstract long Offset { get; }

    /// <summary>Bytes, at least 0.</summary>
    public abstract long Length { get; }

    public abstract ZeroSpace Space { get; }
}

/// <summary>Makes every write and zeroing that completed before it was submitted durable, in-place writes included.</summary>
public abstract class FlushRequest : ImageRequest;

/// <summary>
/// Makes the virtual disk larger. When it completes every byte up to the new size can be read and written, the new ones are zeros, and the
/// size is durable; after a crash the image has the old size or the new one. Reads and writes go on meanwhile.
/// </summary>
/// <remarks>
/// Refused, with nothing changed: <see cref="ImageFaultKind.NotSupported"/> for a smaller size, for a version 2 image that has snapshots or
/// whose backing file is longer than the disk; <see cref="ImageFaultKind.LimitExceeded"/> where the L1 table would exceed 32 MiB.
/// </remarks>
public abstract class ResizeRequest : ImageRequest
{
    /// <summary>The new virtual size in bytes, a multiple of 512. The size that the disk has already is no change and succeeds.</summary>
    public abstract long Length { get; }
}
