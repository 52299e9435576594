namespace Qcow2Target.Testing;

/// <summary>A fresh directory below the system's temporary one, removed with all that is in it by <see cref="Dispose"/>.</summary>
public sealed class TempDirectory : IDisposable
{
    /// <summary>Where a file system on a disk may be expected, unlike in <c>TMPDIR</c>, which may be memory.</summary>
    private const string DiskParent = "/var/tmp";

    private const string MemoryParent = "/dev/shm";

    public TempDirectory() => Path = Directory.CreateTempSubdirectory("qcow2target-").FullName;

    private TempDirectory(string path) => Path = path;

    /// <summary>One whose files have a page cache that can be dropped, and a size limit.</summary>
    public static TempDirectory OnDisk() => new(Directory.CreateDirectory(System.IO.Path.Combine(DiskParent, $"qcow2target-{Guid.NewGuid():n}")).FullName);

    /// <summary>One in memory where the system has such a place: for many small files that tools look at once.</summary>
    public static TempDirectory InMemory() => Directory.Exists(MemoryParent)
        ? new(Directory.CreateDirectory(System.IO.Path.Combine(MemoryParent, $"qcow2target-{Guid.NewGuid():n}")).FullName)
        : new();

    public string Path { get; }

    /// <summary>The absolute path of <paramref name="name"/> in it; nothing is made.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Makes a directory in it, with its parents, and returns its absolute path.</summary>
    public string Subdirectory(string name) => Directory.CreateDirectory(this[name]).FullName;

    /// <summary>Makes a file in it, with its parents, and returns its absolute path.</summary>
    public string File(string name, ReadOnlySpan<byte> content)
    {
        var path = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllBytes(path, content);
        return path;
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // A child that is just ending may still write there; the system cleans its temporary directory.
        }
    }

    public override string ToString() => Path;
}
