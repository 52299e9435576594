using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What is to be done with one guest cluster.</summary>
internal enum ClusterAction
{
    /// <summary>The bytes go to the host cluster that is there.</summary>
    InPlace,

    /// <summary>A preallocated zero cluster of its own is filled whole and shown.</summary>
    FillOwn,

    /// <summary>A reserved cluster takes the bytes.</summary>
    Allocate,

    /// <summary>Only the entry changes.</summary>
    Mark,
}

/// <param name="Index">Entry of the L2 table.</param>
/// <param name="Guest">First guest byte of the request's in this cluster.</param>
/// <param name="Length">Bytes of the request's.</param>
/// <param name="Entry">For <see cref="ClusterAction.Mark"/> the entry to come, else the one that stands there.</param>
internal readonly record struct ClusterPlan(int Index, long Guest, int Length, ClusterAction Action, FillEdges Edges, L2Entry Entry);

/// <summary>What the next step of a request will do; nothing is taken yet.</summary>
/// <param name="Next">Guest offset up to which the request is done by it.</param>
internal sealed record StepDraft(long Next, List<ClusterPlan> Clusters)
{
    /// <summary>Data clusters that it needs.</summary>
    internal int Allocations => Clusters.Count(cluster => cluster.Action == ClusterAction.Allocate);

    internal bool ChangesEntries => Clusters.Exists(cluster => cluster.Action != ClusterAction.InPlace);
}

/// <summary>
/// Decides what a write or zeroing does to each cluster, by its entry. Pure: it reads the table and changes nothing.
/// </summary>
internal sealed class StepPlanner(ClusterGeometry geometry, long backingLength)
{
    /// <summary>Where the disk ends; what a resize zeroes lies below it before the disk has grown.</summary>
    internal long DiskEnd { get; set; } = geometry.VirtualSize;

    /// <summary>The next step of a request from its cursor on, within one L2 table.</summary>
    /// <param name="table">The table of the cursor; null: there is none.</param>
    /// <exception cref="ImageFaultException">An entry in the way is impossible.</exception>
    internal StepDraft Plan(Operation operation, L2Table? table)
    {
        var start = operation.Cursor;
        var tableEnd = Math.Min(DiskEnd, ((start >> geometry.L1Shift) + 1) << geometry.L1Shift);
        if (!operation.IsZeroing) return PlanData(start, Math.Min(operation.End, tableEnd), table);

        var clusterEnd = EndOfCluster(start);
        if (geometry.OffsetInCluster(start) != 0 || operation.End < clusterEnd)
        {
            var end = Math.Min(operation.End, clusterEnd);
            return ReadsAsZeros(start, table) ? new StepDraft(end, []) : PlanData(start, end, table);
        }
        // Whole clusters; the last of the disk counts as whole even if the disk ends in it.
        var last = operation.End == DiskEnd ? operation.End : operation.End & ~(geometry.ClusterBytes - 1L);
        return PlanZeroes(start, Math.Min(last, tableEnd), operation.Space, table);
    }

    private StepDraft PlanData(long start, long end, L2Table? table)
    {
        var maxClusters = Math.Min(WriterLimits.MaxStepClusters, Math.Max(1, WriterLimits.MaxStepBytes >> geometry.ClusterBits));
        end = Math.Min(end, (((start >> geometry.ClusterBits) + maxClusters) << geometry.ClusterBits));
        var clusters = new List<ClusterPlan>();
        for (var guest = start; guest < end;)
        {
            var length = (int)(Math.Min(end, ((guest >> geometry.ClusterBits) + 1) << geometry.ClusterBits) - guest);
            clusters.Add(PlanDataCluster(guest, length, table));
            guest += length;
        }
        return new StepDraft(end, clusters);
    }

    private ClusterPlan PlanDataCluster(long guest, int length, L2Table? table)
    {
        var index = geometry.L2Index(guest);
        var entry = table is null ? L2Entry.Unallocated : table[index];
        // A cluster whose end lies behind the end of the disk is filled up with zeros like one that is written in part.
        var edges = length == geometry.ClusterBytes ? FillEdges.None : FillEdges.Zeros;
        var isOwned = table?.Ownership == TableOwnership.Owned;
        switch (entry.Kind)
        {
            case L2EntryKind.Normal when isOwned && entry.OwnsHost:
                return new ClusterPlan(index, guest, length, ClusterAction.InPlace, FillEdges.None, entry);

            case L2EntryKind.ZeroAllocated when isOwned && entry.IsCopied:
                return new ClusterPlan(index, guest, length, ClusterAction.FillOwn, edges, entry);

            case L2EntryKind.Normal or L2EntryKind.Compressed:
            case L2EntryKind.Unallocated when HasBackingContent(guest):
                return new ClusterPlan(index, guest, length, ClusterAction.Allocate, edges == FillEdges.None ? edges : FillEdges.Copy, entry);

            case L2EntryKind.Invalid:
                throw new ImageFaultException(new ImageFault(ImageFaultKind.WriteError, $"the mapping of guest offset 0x{guest:x} is impossible"));

            default:
                return new ClusterPlan(index, guest, length, ClusterAction.Allocate, edges, entry);
        }
    }

    private StepDraft PlanZeroes(long start, long end, ZeroSpace space, L2Table? table)
    {
        var clusters = new List<ClusterPlan>();
        if (table is null && !HasBackingContent(start)) return new StepDraft(end, clusters);
        for (var guest = start; guest < end; guest = EndOfCluster(guest))
        {
            var index = geometry.L2Index(guest);
            var entry = table is null ? L2Entry.Unallocated : table[index];
            if (Zeroed(entry, guest, space, table) is not { } zeroed)
            {
                // No entry of version 2 says "zeros" above a backing image: real ones are written, some at a time.
                if (clusters.Count > 0) return new StepDraft(guest, clusters);
                return PlanData(guest, Math.Min(end, RunOfRealZeros(guest, end, space, table)), table);
            }
            if (zeroed != entry) clusters.Add(new ClusterPlan(index, guest, 0, ClusterAction.Mark, FillEdges.None, zeroed));
        }
        return new StepDraft(end, clusters);
    }

    // The entry that makes a cluster read as zeros; null: there is none.
    private L2Entry? Zeroed(L2Entry entry, long guest, ZeroSpace space, L2Table? table)
    {
        switch (entry.Kind)
        {
            case L2EntryKind.Invalid:
                throw new ImageFaultException(new ImageFault(ImageFaultKind.WriteError, $"the mapping of guest offset 0x{guest:x} is impossible"));
            case L2EntryKind.ZeroPlain:
            case L2EntryKind.ZeroAllocated when space == ZeroSpace.Keep:
            case L2EntryKind.Unallocated when !HasBackingContent(guest):
                return entry;
        }
        if (!geometry.HasZeroFlag) return HasBackingContent(guest) ? null : L2Entry.Unallocated;
        var keeps = space == ZeroSpace.Keep && entry.OwnsHost && table?.Ownership == TableOwnership.Owned;
        return keeps ? entry.WithZeros(L2Entry.AllSubclusters) : L2Entry.ZeroPlain;
    }

    private long RunOfRealZeros(long guest, long end, ZeroSpace space, L2Table? table)
    {
        while (guest < end && Zeroed(table is null ? L2Entry.Unallocated : table[geometry.L2Index(guest)], guest, space, table) is null) guest = EndOfCluster(guest);
        return guest;
    }

    // From this byte to the end of its cluster.
    private bool ReadsAsZeros(long guest, L2Table? table)
    {
        var kind = table is null ? L2EntryKind.Unallocated : table[geometry.L2Index(guest)].Kind;
        return kind is L2EntryKind.ZeroPlain or L2EntryKind.ZeroAllocated || (kind == L2EntryKind.Unallocated && guest >= backingLength);
    }

    // True if any byte of the cluster may come from the layer below.
    private bool HasBackingContent(long guest) => (guest & ~(geometry.ClusterBytes - 1L)) < backingLength;

    private long EndOfCluster(long guest) => Math.Min(DiskEnd, ((guest >> geometry.ClusterBits) + 1) << geometry.ClusterBits);
}
