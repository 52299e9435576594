using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What became of an operation's next step.</summary>
internal enum StepOutcome
{
    /// <summary>Done at once: nothing had to be written, or only entries changed.</summary>
    Advanced,

    /// <summary>Its fill is to be run.</summary>
    Started,

    /// <summary>Its table is not in the cache.</summary>
    NeedsTable,

    /// <summary>Too few clusters are reserved.</summary>
    NeedsClusters,

    /// <summary>Too much is linked and not committed, or waits to be freed.</summary>
    NeedsCommit,

    /// <summary>Another step has these clusters, or is bringing their table into being.</summary>
    Waits,
}

/// <summary>Reserve and link: takes what a step needs, gives its fill to be run, and puts its entries in place when that is done.</summary>
internal sealed class StepRunner(
    Qcow2Layer layer, IBlockFile file, MetadataMap metadata, ClusterAllocator allocator, WriterTables tables, Committer committer, ClusterReleaser releaser,
    LinkJournal journal)
{
    private readonly StepPlanner _planner = new(layer.Geometry, layer.Backing?.Layer.Layer.Length ?? 0);
    private readonly List<Step> _running = [];

    /// <summary>Clusters that the last <see cref="StepOutcome.NeedsClusters"/> asked for.</summary>
    internal int ClustersNeeded { get; private set; }

    /// <summary>Requests that reach up to there are planned from now on.</summary>
    internal void PlanFor(long diskEnd) => _planner.DiskEnd = diskEnd;

    /// <summary>The range that an operation's next step could claim: whole clusters below one table.</summary>
    internal (long Start, long End) NextClaim(Operation operation)
    {
        var geometry = layer.Geometry;
        var start = operation.Cursor & ~(geometry.ClusterBytes - 1L);
        var tableEnd = ((start >> geometry.L1Shift) + 1) << geometry.L1Shift;
        return (start, Math.Min(tableEnd, (operation.End + geometry.ClusterBytes - 1) & ~(geometry.ClusterBytes - 1L)));
    }

    /// <summary>Tries the next step of an operation. With <see cref="StepOutcome.Started"/>, <paramref name="work"/> is its fill.</summary>
    /// <exception cref="ImageFaultException">An entry in the way is impossible, or the metadata contradicts itself.</exception>
    internal StepOutcome Try(Operation operation, out FillWork? work)
    {
        work = null;
        var state = tables.Find(layer.Geometry.L1Index(operation.Cursor), out var table);
        if (state == TableState.NotCached) return StepOutcome.NeedsTable;
        try
        {
            return TryWith(operation, table, out work);
        }
        finally
        {
            if (table is not null) tables.Settle(table);
        }
    }

    /// <summary>A fill was done: its entries are what is read from now on.</summary>
    internal void Link(Step step)
    {
        if (step.Table is { } table)
        {
            EndPreparation(step, table);
            if (step.CreatesTable) tables.Publish(table);
            Apply(table, step.Changes);
            tables.Settle(table);
        }
        End(step);
    }

    /// <summary>A commit has brought the entries of a filled step to the file: now they are read, too.</summary>
    /// <param name="released">Takes the clusters that lose a use by it.</param>
    internal void LinkCommitted(Step step, ExtentList released)
    {
        var table = step.Table!;
        EndPreparation(step, table);
        foreach (var (index, entry) in step.Changes)
        {
            var old = table.Table[index];
            table.Table.Set(index, entry);
            if (!KeepsHost(old, entry)) committer.AddHosts(old, released);
        }
        if (step.CreatesTable) tables.Publish(table);
        End(step);
    }

    /// <summary>A fill failed: everything is as it was before the step.</summary>
    internal void Undo(Step step)
    {
        _running.Remove(step);
        if (step.Table is { } table)
        {
            table.Users--;
            if (step.Preparation.Count > 0) table.IsPreparing = false;
            if (step.CreatesTable)
            {
                tables.Undo(table);
                metadata.Release(ClusterOf(table.Table.Host), 1);
                if (table.Original is { } original) tables.Settle(original);
            }
            else
            {
                tables.Settle(table);
            }
        }
        foreach (var extent in step.Taken) allocator.GiveBack(extent);
    }

    private StepOutcome TryWith(Operation operation, WriterTable? table, out FillWork? work)
    {
        work = null;
        if (table?.IsPreparing == true) return StepOutcome.Waits;
        var draft = _planner.Plan(operation, table?.Table);
        if (draft.Clusters.Count == 0)
        {
            operation.Cursor = draft.Next;
            return StepOutcome.Advanced;
        }
        var claim = Claim(draft);
        foreach (var other in _running)
            if (other.Overlaps(claim.Start, claim.End)) return StepOutcome.Waits;

        var step = new Step { Operation = operation, ClaimStart = claim.Start, ClaimEnd = claim.End, Next = draft.Next };
        if (draft.ChangesEntries)
        {
            if (tables.WouldHoldTooMuch(table) || releaser.PendingCount > WriterLimits.MaxPendingReleases) return StepOutcome.NeedsCommit;
            var needsTable = table is null || table.Table.Ownership == TableOwnership.Shared;
            ClustersNeeded = DataClusters(draft) + (needsTable ? 1 : 0);
            if (allocator.Available < ClustersNeeded) return StepOutcome.NeedsClusters;
            if (needsTable) table = CreateTable(step, layer.Geometry.L1Index(operation.Cursor), table);
            step.Table = table;
        }
        Reserve(step, draft);
        if (step.Table is not null && !step.CreatesTable)
        {
            step.Table.AddPreparation(step.Changes.Select(change => change.Index), step.Preparation);
            if (step.Preparation.Count > 0) step.Table.IsPreparing = true;
        }
        committer.RequireAllowed(step.Preparation);
        journal.Prepare(step, layer.Map);
        if (step.Pieces.Count + step.Preparation.Count + step.DataZeros.Count == 0 && journal.Rule == LinkRule.AtOnce)
        {
            Apply(step.Table!, step.Changes);
            operation.Cursor = step.Next;
            return StepOutcome.Advanced;
        }
        if (step.Table is not null) step.Table.Users++;
        _running.Add(step);
        work = new FillWork(step, layer, file);
        return StepOutcome.Started;
    }

    private WriterTable CreateTable(Step step, int l1Index, WriterTable? original)
    {
        var host = TakeOne(step);
        metadata[ClusterOf(host)] = MetadataKind.L2Table;
        var table = tables.Create(l1Index, host, original);
        step.CreatesTable = true;
        // Space for the table and for its L1 entry, which keeps its value.
        step.Preparation.Add(new MetadataWrite(MetadataKind.L2Table, host.Value, table.Serialize(0, layer.Geometry.ClusterBytes)));
        step.Preparation.Add(committer.L1Write(l1Index, layer.Map.L1Raw(l1Index)));
        return table;
    }

    private void Reserve(Step step, StepDraft draft)
    {
        var left = DataClusters(draft);
        var run = default(Extent);
        var fresh = false;
        foreach (var cluster in draft.Clusters)
        {
            if (cluster.Action == ClusterAction.Mark)
            {
                step.Changes.Add(new EntryChange(cluster.Index, cluster.Entry));
                if (layer.DataFile is { } data && (data.IsRaw || step.Operation.Space == ZeroSpace.Free)) AddRange(step.DataZeros, new ByteRange(cluster.Guest, cluster.Length));
                continue;
            }
            var entry = cluster.Entry;
            if (cluster.Action == ClusterAction.Allocate && layer.Geometry.HasDataFile)
            {
                // Its place is its guest offset, and what lies there now means nothing.
                entry = entry.MovedTo(new HostOffset(cluster.Guest & ~(layer.Geometry.ClusterBytes - 1L)));
            }
            else if (cluster.Action == ClusterAction.Allocate)
            {
                if (run.Count == 0)
                {
                    run = allocator.Take(left, out fresh);
                    step.Taken.Add(run);
                }
                entry = entry.MovedTo(new HostOffset(run.First << layer.Geometry.ClusterBits));
                run = new Extent(run.First + 1, run.Count - 1);
                left--;
            }
            if (cluster.Action != ClusterAction.InPlace) step.Changes.Add(new EntryChange(cluster.Index, entry));
            var isFresh = fresh && cluster.Action == ClusterAction.Allocate;
            var host = entry.Host.Value + layer.Geometry.OffsetInCluster(cluster.Guest);
            AddPiece(step.Pieces, new FillPiece(cluster.Guest, cluster.Length, host, Needed(cluster.Head, isFresh), Needed(cluster.Tail, isFresh), isFresh));
        }
    }

    // Data clusters that have to be reserved; those of a data file are where they are.
    private int DataClusters(StepDraft draft) => layer.Geometry.HasDataFile ? 0 : draft.Allocations;

    // Zeros are there already in a cluster that was never written.
    private static FillEdge Needed(FillEdge edge, bool isFresh) => isFresh && edge.Content == EdgeContent.Zeros ? default : edge;

    private HostOffset TakeOne(Step step)
    {
        var taken = allocator.Take(1, out _);
        step.Taken.Add(taken);
        return new HostOffset(taken.First << layer.Geometry.ClusterBits);
    }

    private void Apply(WriterTable table, List<EntryChange> changes)
    {
        committer.Linked();
        foreach (var (index, entry) in changes)
        {
            var old = table.Table[index];
            table.Table.Set(index, entry);
            tables.Change(table, index);
            if (!KeepsHost(old, entry)) committer.Unlinked(old);
        }
    }

    // Shown or hidden, the cluster is the same: it loses no use.
    private static bool KeepsHost(L2Entry old, L2Entry entry) => entry.HasHost && old.HasHost && entry.Host == old.Host;

    private static void EndPreparation(Step step, WriterTable table)
    {
        table.Users--;
        if (step.Preparation.Count > 0) table.IsPreparing = false;
        if (step.CreatesTable) table.Prepared();
        else if (step.Preparation.Count > 0) table.Prepared(step.Changes.Select(change => change.Index));
    }

    private void End(Step step)
    {
        _running.Remove(step);
        step.Operation.Cursor = step.Next;
    }

    private (long Start, long End) Claim(StepDraft draft)
    {
        var mask = ~(layer.Geometry.ClusterBytes - 1L);
        var last = draft.Clusters[^1].Guest & mask;
        return (draft.Clusters[0].Guest & mask, last + layer.Geometry.ClusterBytes);
    }

    private long ClusterOf(HostOffset host) => host.Value >> layer.Geometry.ClusterBits;

    private static void AddRange(List<ByteRange> ranges, ByteRange range)
    {
        if (ranges.Count > 0 && ranges[^1] is var last && last.Start + last.Length == range.Start) ranges[^1] = last with { Length = last.Length + range.Length };
        else ranges.Add(range);
    }

    // Pieces that go on where the last one ended are one write.
    private static void AddPiece(List<FillPiece> pieces, FillPiece piece)
    {
        if (pieces.Count > 0 && pieces[^1] is var last && !last.HasEdges && !piece.HasEdges
            && last.Guest + last.Length == piece.Guest && last.Host + last.Length == piece.Host)
            pieces[^1] = last with { Length = last.Length + piece.Length };
        else pieces.Add(piece);
    }
}
