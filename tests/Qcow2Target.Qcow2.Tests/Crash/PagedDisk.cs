using System.Numerics;
using System.Runtime.InteropServices;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Crash;

/// <summary>
/// A file in memory of which a copy costs next to nothing: pages are shared until one side writes them. Its content has a hash, kept page by page.
/// For one thread, but a fork that nobody writes may be read on another.
/// </summary>
internal sealed class PagedDisk : IBlockFile
{
    private const int PageBytes = 4096;

    private static readonly ulong ZeroHash = HashOf(new byte[PageBytes]);

    private Page?[] _pages;
    private long _length;
    private object _owner = new();

    internal PagedDisk() => _pages = [];

    internal PagedDisk(MemoryBlockFile file)
        : this() => Write(0, file.ToArray());

    private PagedDisk(Page?[] pages, long length) => (_pages, _length) = (pages, length);

    public long Length => _length;

    /// <summary>Of content and length: equal for equal files.</summary>
    internal ulong Hash
    {
        get
        {
            var hash = (ulong)_length * 0x9e3779b97f4a7c15;
            for (var index = 0; index < _pages.Length; index++)
            {
                var page = _pages[index];
                var own = page?.Hash ?? ZeroHash;
                if (own != ZeroHash) hash += BitOperations.RotateLeft((own ^ ((ulong)index * 0xd6e8feb86659fd93)) * 0xff51afd7ed558ccd, 29) * 0xc4ceb9fe1a85ec53;
            }
            return hash;
        }
    }

    /// <summary>A copy; both go their own way from here on.</summary>
    internal PagedDisk Fork()
    {
        _owner = new object();
        return new PagedDisk((Page?[])_pages.Clone(), _length);
    }

    public bool TryRead(long offset, Span<byte> destination)
    {
        Read(offset, destination);
        return true;
    }

    public void Read(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var index = offset / PageBytes;
            var start = (int)(offset % PageBytes);
            var count = Math.Min(PageBytes - start, destination.Length);
            if (index < _pages.Length && _pages[index] is { } page) page.Bytes.AsSpan(start, count).CopyTo(destination);
            else destination[..count].Clear();
            offset += count;
            destination = destination[count..];
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        _length = Math.Max(_length, offset + source.Length);
        Reach(_length);
        while (!source.IsEmpty)
        {
            var index = (int)(offset / PageBytes);
            var start = (int)(offset % PageBytes);
            var count = Math.Min(PageBytes - start, source.Length);
            source[..count].CopyTo(Own(index).AsSpan(start));
            offset += count;
            source = source[count..];
        }
    }

    public bool Punch(long offset, long length)
    {
        for (var end = Math.Min(offset + length, (long)_pages.Length * PageBytes); offset < end;)
        {
            var index = (int)(offset / PageBytes);
            var start = (int)(offset % PageBytes);
            var count = (int)Math.Min(PageBytes - start, end - offset);
            if (count == PageBytes) _pages[index] = null;
            else if (_pages[index] is not null) Own(index).AsSpan(start, count).Clear();
            offset += count;
        }
        return true;
    }

    internal void SetLength(long length)
    {
        _length = length;
        Reach(length);
    }

    public void Sync()
    {
    }

    public void Dispose()
    {
        // What an image has left is what a test looks at.
    }

    /// <summary>Writes it to a file of the file system; holes stay holes.</summary>
    internal void SaveTo(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        file.SetLength(_length);
        for (var index = 0; index < _pages.Length; index++)
        {
            if (_pages[index] is not { } page || (long)index * PageBytes >= _length) continue;
            file.Position = (long)index * PageBytes;
            file.Write(page.Bytes, 0, (int)Math.Min(PageBytes, _length - ((long)index * PageBytes)));
        }
    }

    private void Reach(long length)
    {
        var needed = (int)((length + PageBytes - 1) / PageBytes);
        if (needed > _pages.Length) Array.Resize(ref _pages, needed);
    }

    private byte[] Own(int index)
    {
        var page = _pages[index];
        if (page is null || page.Owner != _owner) _pages[index] = page = new Page(page is null ? new byte[PageBytes] : [.. page.Bytes], _owner);
        page.Forget();
        return page.Bytes;
    }

    private static ulong HashOf(byte[] bytes)
    {
        var hash = 0xcbf29ce484222325UL;
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes)) hash = BitOperations.RotateLeft((hash ^ word) * 0x9fb21c651e98df25, 31);
        return hash;
    }

    private sealed class Page(byte[] bytes, object owner)
    {
        private ulong? _hash;

        internal byte[] Bytes => bytes;

        internal object Owner => owner;

        internal ulong Hash => _hash ??= HashOf(bytes);

        internal void Forget() => _hash = null;
    }
}
