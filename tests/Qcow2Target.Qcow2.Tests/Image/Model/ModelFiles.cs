using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Tests.Image.Model;

/// <summary>Files of a test by absolute name, opened without locks; what is opened and not yet disposed is counted.</summary>
internal sealed class ModelFiles : IImageFiles
{
    private readonly Dictionary<string, IBlockFile> _files = [];
    private int _open;

    internal int OpenCount => Volatile.Read(ref _open);

    internal ModelFiles Add(string path, IBlockFile file)
    {
        _files[path] = file;
        return this;
    }

    public OpenedFile Open(string path, ImageRole role)
    {
        if (!_files.TryGetValue(path, out var file)) throw new ImageFileException(ImageFileError.NotFound, path, $"'{path}' is not there");
        Interlocked.Increment(ref _open);
        var inode = (ulong)_files.Keys.Order(StringComparer.Ordinal).ToList().IndexOf(path) + 1;
        return new OpenedFile(new Handle(this, file, role), path, new FileIdentity(1, inode));
    }

    public string ResolveBacking(string overlayPath, string backingName) => backingName.StartsWith('/') ? backingName : "/" + backingName;

    /// <summary>One open of a file: its dispose leaves the file to the test.</summary>
    private sealed class Handle(ModelFiles files, IBlockFile file, ImageRole role) : IBlockFile
    {
        private bool _disposed;

        public long Length => Used.Length;

        private IBlockFile Used => _disposed ? throw new ObjectDisposedException(nameof(Handle)) : file;

        public bool TryRead(long offset, Span<byte> destination) => Used.TryRead(offset, destination);

        public void Read(long offset, Span<byte> destination) => Used.Read(offset, destination);

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            Assert.Equal(ImageRole.ActiveReadWrite, role);
            Used.Write(offset, source);
        }

        public bool Punch(long offset, long length)
        {
            Assert.Equal(ImageRole.ActiveReadWrite, role);
            return Used.Punch(offset, length);
        }

        public void Sync() => Used.Sync();

        public void Dispose()
        {
            if (_disposed) return;
            _disposed = true;
            Interlocked.Decrement(ref files._open);
        }
    }
}
