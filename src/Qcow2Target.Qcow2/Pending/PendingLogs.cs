using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>
/// The pending logs of a daemon, one for each image that it writes: what completed and is not yet committed survives the process there. Safe to call
/// from several threads; all members may wait for a disk.
/// </summary>
/// <param name="folder">Where they lie.</param>
/// <param name="boot">Which boot this is.</param>
public sealed class PendingLogs(IPendingFolder folder, BootId boot)
{
    private const string LogSuffix = ".log";
    private const string SetAsideSuffix = ".aside";

    /// <summary>The logs in a folder of the file system.</summary>
    /// <param name="path">Made where it is not there.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    public PendingLogs(string path)
        : this(new LinuxPendingFolder(path), BootId.Current)
    {
    }

    public BootId Boot => boot;

    /// <summary>The folder, for messages.</summary>
    public string Path => folder.Path;

    /// <summary>Bytes of each log.</summary>
    internal long LogBytes { get; init; } = PendingLog.FileBytes;

    /// <summary>At start: logs of another boot tell of writes that went down with the page cache. Returns how many were removed.</summary>
    /// <exception cref="BlockFileException">The folder cannot be read or changed.</exception>
    public int RemoveOtherBoots()
    {
        var removed = 0;
        foreach (var name in folder.List())
        {
            if (!name.EndsWith(LogSuffix, StringComparison.Ordinal) && !name.EndsWith(SetAsideSuffix, StringComparison.Ordinal)) continue;
            if (ReadHeader(name) is { } header && header.Mark.Boot == boot) continue;
            folder.Remove(name);
            removed++;
        }
        return removed;
    }

    /// <summary>A new log for an image, under a mark of its own.</summary>
    /// <exception cref="BlockFileException">It cannot be made; nothing is left of it.</exception>
    internal PendingLog Begin(FileIdentity identity, string path, ClusterGeometry geometry)
    {
        var mark = PendingMark.New(boot);
        var file = folder.Create(NameOf(mark), LogBytes);
        try
        {
            return PendingLog.Begin(file, new PendingLogHeader(mark, identity, path), geometry, LogBytes);
        }
        catch
        {
            file.Dispose();
            folder.Remove(NameOf(mark));
            throw;
        }
    }

    /// <summary>The log of a mark, if it is there and belongs to this file: neither to a copy nor to one that had its name before.</summary>
    internal byte[]? Find(PendingMark mark, FileIdentity identity)
    {
        using var file = folder.Open(NameOf(mark));
        if (file is null || file.Length > LogBytes) return null;
        var bytes = new byte[file.Length];
        file.Read(0, bytes);
        return PendingLogHeader.TryParse(bytes) is { } header && header.Mark == mark && header.Identity == identity ? bytes : null;
    }

    /// <summary>Logs of this file whose mark it no longer has: somebody else opened it for writing.</summary>
    internal IReadOnlyList<PendingMark> FindWithoutMark(FileIdentity identity) =>
        [.. folder.List().Where(name => name.EndsWith(LogSuffix, StringComparison.Ordinal)).Select(ReadHeader).OfType<PendingLogHeader>()
            .Where(header => header.Identity == identity).Select(header => header.Mark)];

    /// <summary>Keeps a log, for people to look at, under a name by which it is never found.</summary>
    internal void SetAside(PendingMark mark) => folder.Rename(NameOf(mark), mark.Name + SetAsideSuffix);

    internal void Remove(PendingMark mark) => folder.Remove(NameOf(mark));

    private static string NameOf(PendingMark mark) => mark.Name + LogSuffix;

    private PendingLogHeader? ReadHeader(string name)
    {
        using var file = folder.Open(name);
        if (file is null) return null;
        var block = new byte[PendingLogHeader.BlockBytes];
        file.Read(0, block);
        return PendingLogHeader.TryParse(block);
    }
}
