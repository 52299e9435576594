namespace Qcow2Target.Qcow2.Image;

/// <summary>The named maxima of writing, and how they hang together.</summary>
internal static class WriterLimits
{
    /// <summary>Clusters whose counts are raised at once, ahead of use: one sync for each thousand.</summary>
    internal const int RefillClusters = 1024;

    /// <summary>With less than this part of them left (one in so many), the next are fetched.</summary>
    internal const int RefillBelowPart = 4;

    /// <summary>Most clusters that one refill reserves, however much is asked for.</summary>
    internal const int MaxRefillClusters = 4 * MaxStepClusters;

    /// <summary>Clusters that one step of a request changes by writing.</summary>
    internal const int MaxStepClusters = 1024;

    /// <summary>Clusters that one step of a request makes zeros by their entries: what its record takes in the pending log is bounded.</summary>
    internal const int MaxMarkedClusters = 8192;

    /// <summary>Bytes that one step writes, if that is more than one cluster.</summary>
    internal const int MaxStepBytes = 4 << 20;

    /// <summary>Bytes of tables that may be changed and not yet committed, if that is more than <see cref="MinDirtyTables"/>.</summary>
    internal const long MaxDirtyBytes = 16 << 20;

    internal const int MinDirtyTables = 4;

    /// <summary>Stretches of freed clusters that may wait for their readers before more is freed.</summary>
    internal const int MaxPendingReleases = 1 << 20;

    /// <summary>Entries of L2 tables that zero requests look through in one <see cref="MetadataWriter.Drain"/>, in whole tables: 64 of 64 KiB, 2 of 2 MiB.</summary>
    internal const int EntriesPerDrain = 512 << 10;

    /// <summary>Absent L2 tables that zero requests step over in one <see cref="MetadataWriter.Drain"/>.</summary>
    internal const int AbsentTablesPerDrain = 64 << 10;

    /// <summary>From the oldest linked entry to its commit, when nobody flushes.</summary>
    internal static readonly TimeSpan CommitDelay = TimeSpan.FromSeconds(5);

    /// <summary>How long a write or zeroing that found the file system full is held before it fails.</summary>
    internal static readonly TimeSpan SpacePatience = TimeSpan.FromSeconds(20);

    /// <summary>How often one of those that are held tries whether there is space again.</summary>
    internal static readonly TimeSpan SpaceRetry = TimeSpan.FromMilliseconds(500);

    /// <summary>How often readers that must leave are looked for when nothing else happens.</summary>
    internal static readonly TimeSpan GracePoll = TimeSpan.FromMilliseconds(5);

    /// <summary>Stretches of leaked clusters that are taken into use again; what is more scattered stays leaked until the next open.</summary>
    internal const int MaxLeakedExtents = 64 << 10;

    /// <summary>Host clusters that are counted when all metadata is read: 64 MiB of counts while that goes on.</summary>
    internal const long MaxScannedClusters = 64L << 20;

    /// <summary>Bytes of refcount blocks, all of which are kept in memory while an image is written.</summary>
    internal const long MaxRefcountBytes = 256L << 20;

    /// <summary>Bytes of the L1 tables of all snapshots together.</summary>
    internal const long MaxSnapshotL1Bytes = 64L << 20;

    /// <summary>Bytes that are read at once when all metadata is read, if that is more than one cluster.</summary>
    internal const int ScanReadBytes = 1 << 20;
}
