using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What is to be done with one guest cluster.</summary>
internal enum ClusterAction
{
    /// <summary>The bytes go to the host cluster that is there.</summary>
    InPlace,

    /// <summary>The bytes and their edges go to a host cluster of its own, in sub-clusters that were not data; then they are shown.</summary>
    FillOwn,

    /// <summary>A reserved cluster takes the bytes.</summary>
    Allocate,

    /// <summary>Only the entry changes.</summary>
    Mark,
}

/// <param name="Index">Entry of the L2 table.</param>
/// <param name="Guest">First guest byte of the request's in this cluster.</param>
/// <param name="Length">Bytes of the request's, up to the end of the disk.</param>
/// <param name="Entry">The entry to come; for <see cref="ClusterAction.Allocate"/> its sub-clusters, whose host cluster is not known yet.</param>
internal readonly record struct ClusterPlan(int Index, long Guest, int Length, ClusterAction Action, L2Entry Entry, FillEdge Head = default, FillEdge Tail = default);

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

        var clusterEnd = EndOf(start, geometry.ClusterBytes);
        if (geometry.OffsetInCluster(start) != 0 || operation.End < clusterEnd)
            return PlanPartialZeroes(start, Math.Min(operation.End, clusterEnd), operation.Space, table);
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
        var entry = EntryOf(guest, table);
        if (entry.Kind == L2EntryKind.Invalid) throw Impossible(guest);
        var touched = geometry.HasExtendedL2 ? geometry.Subclusters(guest, length) : L2Entry.AllSubclusters;
        var isOwned = table?.Ownership == TableOwnership.Owned;
        if (isOwned && entry.IsWritableInPlace(touched)) return new ClusterPlan(index, guest, length, ClusterAction.InPlace, entry);
        if ((isOwned && entry.OwnsHost) || !(entry.HasHost || entry.IsCompressed))
        {
            var action = entry.HasHost ? ClusterAction.FillOwn : ClusterAction.Allocate;
            var unit = geometry.AllocationBytes;
            var head = EdgeIn(entry, guest, (int)(guest & (unit - 1L)));
            var tail = EdgeIn(entry, guest + length - 1, (int)(-(guest + length) & (unit - 1L)));
            return new ClusterPlan(index, guest, length, action, entry.WithData(touched), head, tail);
        }
        // A stream, or a host cluster that something else refers to: the whole cluster moves, with what is read there now.
        var inCluster = geometry.OffsetInCluster(guest);
        var before = new FillEdge(EdgeContent.Copy, inCluster);
        var behind = new FillEdge(EdgeContent.Copy, geometry.ClusterBytes - inCluster - length);
        return new ClusterPlan(index, guest, length, ClusterAction.Allocate, L2Entry.Unallocated.WithData(L2Entry.AllSubclusters), before, behind);
    }

    // The edge of a write in the cluster, or sub-cluster, that a byte lies in; none where that is data already.
    private FillEdge EdgeIn(L2Entry entry, long guest, int bytes) => entry.KindOf(geometry.Subcluster(guest)) switch
    {
        L2EntryKind.Normal => default,
        L2EntryKind.Unallocated when HasBackingContent(guest) => new FillEdge(EdgeContent.Copy, bytes),
        // What lies behind the end of the disk is filled up with zeros, too.
        _ => new FillEdge(EdgeContent.Zeros, bytes),
    };

    // Zeros in a part of one cluster.
    private StepDraft PlanPartialZeroes(long start, long end, ZeroSpace space, L2Table? table)
    {
        var unitEnd = EndOf(start, geometry.AllocationBytes);
        if ((start & (geometry.AllocationBytes - 1)) != 0 || end < unitEnd)
        {
            end = Math.Min(end, unitEnd);
            return ReadsAsZeros(start, table) ? new StepDraft(end, []) : PlanData(start, end, table);
        }
        // Whole sub-clusters; the last of the disk counts as whole.
        if (end != DiskEnd) end &= ~(geometry.AllocationBytes - 1L);
        var entry = EntryOf(start, table);
        if (entry.Kind == L2EntryKind.Invalid) throw Impossible(start);
        if (entry.IsCompressed) return PlanData(start, end, table);
        var subclusters = geometry.Subclusters(start, (int)(end - start));
        if ((subclusters & Shown(entry, start)) == 0) return new StepDraft(end, []);
        var zeroed = entry.WithZeros(subclusters);
        // Nothing but zeros and what lies below is left: the host cluster holds nothing any more.
        if (space == ZeroSpace.Free && zeroed.AllocatedSubclusters == 0) zeroed = zeroed.WithoutHost();
        return new StepDraft(end, [new ClusterPlan(geometry.L2Index(start), start, (int)(end - start), ClusterAction.Mark, zeroed)]);
    }

    private StepDraft PlanZeroes(long start, long end, ZeroSpace space, L2Table? table)
    {
        var clusters = new List<ClusterPlan>();
        if (table is null && !HasBackingContent(start)) return new StepDraft(end, clusters);
        for (var guest = start; guest < end; guest = EndOf(guest, geometry.ClusterBytes))
        {
            if (clusters.Count == WriterLimits.MaxMarkedClusters) return new StepDraft(guest, clusters);
            var entry = EntryOf(guest, table);
            if (Zeroed(entry, guest, space, table) is not { } zeroed)
            {
                // No entry of version 2 says "zeros" above a backing image: real ones are written, some at a time.
                if (clusters.Count > 0) return new StepDraft(guest, clusters);
                return PlanData(guest, Math.Min(end, RunOfRealZeros(guest, end, space, table)), table);
            }
            if (zeroed != entry) clusters.Add(new ClusterPlan(geometry.L2Index(guest), guest, (int)(EndOf(guest, geometry.ClusterBytes) - guest), ClusterAction.Mark, zeroed));
        }
        return new StepDraft(end, clusters);
    }

    // The entry that makes a cluster read as zeros; null: there is none.
    private L2Entry? Zeroed(L2Entry entry, long guest, ZeroSpace space, L2Table? table)
    {
        if (entry.Kind == L2EntryKind.Invalid) throw Impossible(guest);
        if (Shown(entry, guest) == 0 && (space == ZeroSpace.Keep || !entry.HasHost)) return entry;
        if (!geometry.HasZeroFlag) return HasBackingContent(guest) ? null : L2Entry.Unallocated;
        var keeps = space == ZeroSpace.Keep && entry.OwnsHost && table?.Ownership == TableOwnership.Owned;
        return keeps ? entry.WithZeros(L2Entry.AllSubclusters) : L2Entry.ZeroPlain;
    }

    private long RunOfRealZeros(long guest, long end, ZeroSpace space, L2Table? table)
    {
        while (guest < end && Zeroed(EntryOf(guest, table), guest, space, table) is null) guest = EndOf(guest, geometry.ClusterBytes);
        return guest;
    }

    // From this byte to the end of its cluster, or sub-cluster.
    private bool ReadsAsZeros(long guest, L2Table? table) => EntryOf(guest, table).KindOf(geometry.Subcluster(guest)) switch
    {
        L2EntryKind.ZeroPlain or L2EntryKind.ZeroAllocated => true,
        L2EntryKind.Unallocated => guest >= backingLength,
        _ => false,
    };

    // The sub-clusters of a cluster in which something other than zeros may be read.
    private uint Shown(L2Entry entry, long guest)
    {
        if (entry.IsCompressed) return L2Entry.AllSubclusters;
        var inBacking = backingLength - (guest & ~(geometry.ClusterBytes - 1L));
        var backed = inBacking <= 0 ? 0 : geometry.Subclusters(0, (int)Math.Min(inBacking, geometry.ClusterBytes));
        return entry.AllocatedSubclusters | (backed & ~entry.ZeroSubclusters);
    }

    // True if any byte of the cluster, or sub-cluster, may come from the layer below.
    private bool HasBackingContent(long guest) => (guest & ~(geometry.AllocationBytes - 1L)) < backingLength;

    private L2Entry EntryOf(long guest, L2Table? table) => table is null ? L2Entry.Unallocated : table[geometry.L2Index(guest)];

    // The end of the unit (a power of 2) that a byte lies in, or of the disk.
    private long EndOf(long guest, int unit) => Math.Min(DiskEnd, (guest | (unit - 1L)) + 1);

    private static ImageFaultException Impossible(long guest) =>
        new(new ImageFault(ImageFaultKind.WriteError, $"the mapping of guest offset 0x{guest:x} is impossible"));
}
