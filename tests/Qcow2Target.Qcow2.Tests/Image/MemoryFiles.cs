using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Files by name for tests: in memory, or anything else that is an <see cref="IBlockFile"/>. Counts what is open.</summary>
internal sealed class MemoryFiles : IImageFiles
{
    private readonly Dictionary<string, (IBlockFile File, FileIdentity Identity)> _files = new(StringComparer.Ordinal);
    private int _open;

    /// <summary>Handles that are open now.</summary>
    internal int OpenCount => Volatile.Read(ref _open);

    internal IBlockFile this[string name]
    {
        get => _files[name].File;
        set => _files[name] = (value, _files.TryGetValue(name, out var old) ? old.Identity : new FileIdentity(1, (ulong)_files.Count + 1));
    }

    /// <summary>From now on the file is another one, whatever it holds.</summary>
    internal void Identify(string name, FileIdentity identity) => _files[name] = (_files[name].File, identity);

    public OpenedFile Open(string path, ImageRole role)
    {
        if (!_files.TryGetValue(path, out var found)) throw new ImageFileException(ImageFileError.NotFound, path, $"'{path}' is not there");
        Interlocked.Increment(ref _open);
        return new OpenedFile(new Handle(found.File, () => Interlocked.Decrement(ref _open)), path, found.Identity);
    }

    public string ResolveBacking(string overlayPath, string backingName) => backingName;

    private sealed class Handle(IBlockFile file, Action closed) : IBlockFile
    {
        private Action? _closed = closed;

        public long Length => Open().Length;

        public bool TryRead(long offset, Span<byte> destination) => Open().TryRead(offset, destination);

        public void Read(long offset, Span<byte> destination) => Open().Read(offset, destination);

        public void Write(long offset, ReadOnlySpan<byte> source) => Open().Write(offset, source);

        public bool Punch(long offset, long length) => Open().Punch(offset, length);

        public void Sync() => Open().Sync();

        public void Dispose() => Interlocked.Exchange(ref _closed, null)?.Invoke();

        private IBlockFile Open()
        {
            ObjectDisposedException.ThrowIf(_closed is null, this);
            return file;
        }
    }
}
