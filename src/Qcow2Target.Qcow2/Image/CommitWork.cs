using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>A table's part in a commit.</summary>
internal sealed record CommittedTable(WriterTable Table, SectorSet Sectors);

/// <summary>
/// Commit: brings linked entries to the file. New tables, then a sync that also covers all data that was filled, then the entries that
/// point to them, then a sync, and then the pending log gives up what it has of it. With nothing linked it is one sync. What was linked after it was put together belongs to the next.
/// </summary>
internal sealed class CommitWork(IBlockFile file, PendingLog? log) : ImageWork
{
    // What is linked now is in this commit; what is only recorded belongs to the next.
    private readonly long _boundary = log?.Boundary ?? 0;

    /// <summary>Contents of tables that nothing in the file points to yet.</summary>
    internal List<MetadataWrite> NewTables { get; } = [];

    /// <summary>Changed sectors of tables in the file, and L1 entries of new tables.</summary>
    internal List<MetadataWrite> Entries { get; } = [];

    internal List<CommittedTable> Tables { get; } = [];

    /// <summary>Clusters that lose a use when it is done.</summary>
    internal ExtentList Released { get; init; } = new();

    /// <summary>Completed by it.</summary>
    internal List<FlushRequest> Flushes { get; init; } = [];

    /// <summary>Steps that are linked when it is done.</summary>
    internal List<Step> First { get; init; } = [];

    /// <summary>New tables are durable, and L1 entries that point to them may be in the file.</summary>
    internal bool EntriesBegun { get; private set; }

    /// <summary>It ended in a sync that failed: what was written since the last good one is of unknown fate.</summary>
    internal bool SyncFailed { get; private set; }

    private protected override void Run()
    {
        foreach (var write in NewTables) file.Write(write.Offset, write.Bytes);
        if (Entries.Count > 0)
        {
            Sync();
            EntriesBegun = true;
            foreach (var write in Entries) file.Write(write.Offset, write.Bytes);
        }
        Sync();
        log?.Release(_boundary);
    }

    private void Sync()
    {
        SyncFailed = true;
        file.Sync();
        SyncFailed = false;
    }
}
