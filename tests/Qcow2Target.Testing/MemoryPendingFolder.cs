using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Testing;

/// <summary>A folder of pending logs in memory. It outlives the image that writes there, as the page cache outlives a killed process.</summary>
public sealed class MemoryPendingFolder : IPendingFolder
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, MemoryBlockFile> _files = new(StringComparer.Ordinal);

    public string Path => "/pending";

    /// <summary>What stands between the folder's users and each file that they open or make; null: nothing.</summary>
    public Func<IBlockFile, IBlockFile>? Wrap { get; set; }

    /// <summary>Set: nothing can be made.</summary>
    public BlockFileError? Refusal { get; set; }

    public IReadOnlyList<string> List()
    {
        lock (_lock) return [.. _files.Keys];
    }

    public MemoryBlockFile this[string name]
    {
        get { lock (_lock) return _files[name]; }
    }

    public IBlockFile Create(string name, long bytes)
    {
        if (Refusal is { } error) throw new BlockFileException(error, $"injected: '{name}' cannot be made");
        lock (_lock)
        {
            var file = new MemoryBlockFile();
            file.SetLength(bytes);
            _files.Add(name, file);
            return Wrap?.Invoke(file) ?? file;
        }
    }

    public IBlockFile? Open(string name)
    {
        lock (_lock)
        {
            if (!_files.TryGetValue(name, out var file)) return null;
            file.Reopen();
            return Wrap?.Invoke(file) ?? file;
        }
    }

    public void Rename(string name, string newName)
    {
        lock (_lock)
        {
            _files[newName] = _files[name];
            _files.Remove(name);
        }
    }

    public void Remove(string name)
    {
        lock (_lock) _files.Remove(name);
    }

    /// <summary>What a killed process would leave there now.</summary>
    public MemoryPendingFolder Copy()
    {
        lock (_lock)
        {
            var copy = new MemoryPendingFolder();
            foreach (var (name, file) in _files) copy._files.Add(name, file.Reopen().Copy());
            return copy;
        }
    }
}
