using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Crash;

/// <summary>Where an engine finds one state of the image, and what lies below it.</summary>
internal sealed class CrashFiles(IBlockFile image, IReadOnlyDictionary<string, MemoryBlockFile> bases, FileIdentity? identity = null) : IImageFiles
{
    internal const string ImageName = "t";

    private static readonly FileIdentity Own = new(1, 1, 1);

    public OpenedFile Open(string path, ImageRole role)
    {
        if (path == ImageName) return new OpenedFile(image, path, identity ?? Own);
        if (!bases.TryGetValue(path, out var file)) throw new ImageFileException(ImageFileError.NotFound, path, $"'{path}' is not there");
        return new OpenedFile(new ReadOnlyFile(file), path, new FileIdentity(2, (ulong)path.Length));
    }

    public string ResolveBacking(string overlayPath, string backingName) => backingName;

    internal Qcow2Image OpenImage(PendingLogs? logs, ImageAccess access = ImageAccess.ReadWrite, PendingRule rule = PendingRule.Keep, ManualTime? time = null)
    {
        var cache = new CacheBudget(1 << 20);
        return Qcow2Image.Open(new ImageOpenOptions
        {
            Path = ImageName,
            Access = access,
            Files = this,
            Backings = new BackingImages(this, cache, logs),
            Cache = cache,
            Time = time ?? new ManualTime(),
            Pending = rule,
        });
    }

    /// <summary>A file below: outlives who opens it, and is never written.</summary>
    private sealed class ReadOnlyFile(IBlockFile file) : IBlockFile
    {
        public long Length => file.Length;

        public bool TryRead(long offset, Span<byte> destination) => file.TryRead(offset, destination);

        public void Read(long offset, Span<byte> destination) => file.Read(offset, destination);

        public void Write(long offset, ReadOnlySpan<byte> source) => throw new InvalidOperationException("a file below the image is written");

        public bool Punch(long offset, long length) => throw new InvalidOperationException("a file below the image is punched");

        public void Sync() => throw new InvalidOperationException("a file below the image is synced");

        public void Dispose()
        {
        }
    }
}
