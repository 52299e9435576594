using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Tests.Crash;

/// <summary>The folder of pending logs as a kill leaves it; a copy costs next to nothing.</summary>
internal class StateFolder : IPendingFolder
{
    private readonly SortedDictionary<string, PagedDisk> _files = new(StringComparer.Ordinal);

    public string Path => "/pending";

    internal PagedDisk this[string name] => _files[name];

    internal StateFolder Fork()
    {
        var fork = new StateFolder();
        foreach (var (name, file) in _files) fork._files.Add(name, file.Fork());
        return fork;
    }

    public IReadOnlyList<string> List() => [.. _files.Keys];

    public virtual IBlockFile Create(string name, long bytes)
    {
        var file = new PagedDisk();
        file.SetLength(bytes);
        _files.Add(name, file);
        return file;
    }

    public virtual IBlockFile? Open(string name) => _files.GetValueOrDefault(name);

    public virtual void Rename(string name, string newName)
    {
        _files[newName] = _files[name];
        _files.Remove(name);
    }

    public virtual void Remove(string name) => _files.Remove(name);
}
