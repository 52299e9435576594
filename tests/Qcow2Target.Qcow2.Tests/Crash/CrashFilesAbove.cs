using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Crash;

/// <summary>An empty overlay over one state of an image.</summary>
internal sealed class CrashFilesAbove(PagedDisk overlay, PagedDisk image, IReadOnlyDictionary<string, MemoryBlockFile> bases) : IImageFiles
{
    private const string OverlayName = "overlay";

    private readonly CrashFiles _below = new(image, bases);

    public OpenedFile Open(string path, ImageRole role) => path == OverlayName ? new OpenedFile(overlay, path, new FileIdentity(3, 1)) : _below.Open(path, role);

    public string ResolveBacking(string overlayPath, string backingName) => backingName;

    internal Qcow2Image OpenOverlay(PendingLogs logs, long size)
    {
        ImageCreator.Create(overlay, new ImageCreateOptions { VirtualSize = size, BackingName = CrashFiles.ImageName, BackingFormat = "qcow2" });
        var cache = new CacheBudget(1 << 20);
        return Qcow2Image.Open(new ImageOpenOptions
        {
            Path = OverlayName,
            Access = ImageAccess.ReadOnly,
            Files = this,
            Backings = new BackingImages(this, cache, logs),
            Cache = cache,
            Time = new ManualTime(),
        });
    }
}
