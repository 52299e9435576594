using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// The open backing images of the daemon: one for each file, shared by all overlays, opened with the first and closed with the last.
/// Safe to call from several threads; opening waits for disks and holds up nobody else.
/// </summary>
public sealed class BackingImages(IImageFiles files, CacheBudget cache)
{
    internal IImageFiles Files { get; } = files;

    internal CacheBudget Cache { get; } = cache;

    /// <summary>Backing files open now.</summary>
    public int Count => throw new NotSupportedException();
}
