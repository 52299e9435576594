using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>Collects what was linked since the last commit, puts commits together, and draws the consequences when they have ended.</summary>
internal sealed class Committer(Qcow2Layer layer, IBlockFile file, MetadataMap metadata, WriterTables tables, ClusterReleaser releaser)
{
    private ExtentList _released = new();

    /// <summary>Something is linked that the file does not have.</summary>
    internal bool HasLinked { get; private set; }

    internal CommitWork? Running { get; private set; }

    /// <summary>Entries of a table were replaced.</summary>
    internal void Linked() => HasLinked = true;

    /// <summary>A mapping was replaced: its host clusters lose a use when the replacement is durable.</summary>
    internal void Unlinked(L2Entry old) => AddHosts(old, _released);

    /// <summary>Adds the host clusters of a mapping to a list.</summary>
    internal void AddHosts(L2Entry old, ExtentList clusters)
    {
        // What lies in a data file is not counted.
        if (old.HasHost && layer.Geometry.HasDataFile) return;
        if (old.HasHost)
        {
            clusters.Add(old.Host.Value >> layer.Geometry.ClusterBits);
        }
        else if (old.IsCompressed)
        {
            CompressedDescriptor.TryParse(old.Stream, layer.Geometry, out var descriptor);
            var (first, last) = descriptor.HostClusters(layer.Geometry);
            for (var cluster = first; cluster <= last; cluster++) clusters.Add(cluster);
        }
    }

    /// <summary>
    /// Puts a commit of everything linked so far together, and of steps that are linked when it is done: copies, so that linking goes on.
    /// </summary>
    /// <exception cref="ImageFaultException">With <see cref="ImageFaultKind.Corrupt"/>: a write would hit other data; none was made.</exception>
    internal CommitWork Begin(List<FlushRequest> flushes, List<Step> first, PendingLog? log)
    {
        var work = new CommitWork(file, log) { Released = _released, Flushes = flushes, First = first };
        // Known as running before anything can fail, so that its flushes are answered whatever happens.
        Running = work;
        _released = new ExtentList();
        HasLinked = false;
        var patches = new Dictionary<WriterTable, TablePatch>();
        foreach (var step in first)
        {
            if (!patches.TryGetValue(step.Table!, out var patch)) patches.Add(step.Table!, patch = new TablePatch(step.Table!, layer.Geometry));
            patch.Add(step.Changes);
        }
        foreach (var table in tables.Changed.Union(patches.Keys))
        {
            var patch = patches.GetValueOrDefault(table);
            // One that is only being prepared has nothing linked, and is nowhere pointed to.
            if (table.Dirty.IsEmpty && patch is null) continue;
            var sectors = new SectorSet(layer.Geometry.ClusterBytes);
            sectors.AddAll(table.Dirty);
            if (patch is not null) sectors.AddAll(patch.Sectors);
            work.Tables.Add(new CommittedTable(table, sectors));
            if (table.Standing == TableStanding.New)
            {
                work.NewTables.Add(new MetadataWrite(MetadataKind.L2Table, table.Table.Host.Value, Serialize(table, patch, 0, layer.Geometry.ClusterBytes)));
            }
            else
            {
                foreach (var (offset, length) in sectors.Runs())
                    work.Entries.Add(new MetadataWrite(MetadataKind.L2Table, table.Table.Host.Value + offset, Serialize(table, patch, offset, length)));
            }
            if (table.Standing != TableStanding.InFile) work.Entries.Add(L1Write(table.Table.L1Index, L1Entry.Owned(table.Table.Host).Raw));
            table.Dirty.Clear();
            table.IsCommitting = true;
        }
        RequireAllowed(work.NewTables);
        RequireAllowed(work.Entries);
        return work;
    }

    /// <summary>The commit has ended. If it failed everything in it is linked and not committed, as before.</summary>
    internal void Finish(CommitWork work)
    {
        Running = null;
        foreach (var (table, sectors) in work.Tables)
        {
            table.IsCommitting = false;
            if (work.Fault is null) EnterFile(table, work.Released);
            else Restore(table, sectors, work.EntriesBegun);
            tables.Settle(table);
        }
        if (work.Fault is null)
        {
            releaser.Add(work.Released);
            return;
        }
        _released.AddRange(work.Released);
        HasLinked |= work.Tables.Count > 0;
    }

    /// <summary>The write of one L1 entry.</summary>
    internal MetadataWrite L1Write(int index, ulong raw)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, raw);
        return new MetadataWrite(MetadataKind.L1Table, layer.Map.L1Host.Value + ((long)index * sizeof(ulong)), bytes);
    }

    /// <exception cref="ImageFaultException">With <see cref="ImageFaultKind.Corrupt"/>: a write would hit other data.</exception>
    internal void RequireAllowed(List<MetadataWrite> writes)
    {
        foreach (var write in writes)
            if (!metadata.Allows(write)) throw new ImageFaultException(new ImageFault(ImageFaultKind.Corrupt, $"{write.Kind} write at 0x{write.Offset:x} would hit other data"));
    }

    private static byte[] Serialize(WriterTable table, TablePatch? patch, int offset, int length)
    {
        var bytes = table.Serialize(offset, length);
        patch?.ApplyTo(bytes, offset);
        return bytes;
    }

    // Writing a table whole comes before the sync that makes its new entries' data durable: that is only allowed while nothing points to it.
    private static void Restore(WriterTable table, SectorSet sectors, bool entriesBegun)
    {
        table.Dirty.AddAll(sectors);
        if (entriesBegun && table.Standing == TableStanding.New) table.Standing = TableStanding.Uncertain;
    }

    private void EnterFile(WriterTable table, ExtentList released)
    {
        if (table.Standing == TableStanding.InFile) return;
        table.Standing = TableStanding.InFile;
        layer.Map.SetL1(table.Table.L1Index, L1Entry.Owned(table.Table.Host));
        if (table.Original is not { } original) return;
        var cluster = original.Table.Host.Value >> layer.Geometry.ClusterBits;
        // Not written any more; whoever else uses it has it for good, and the last use takes it off the map.
        metadata[cluster] = MetadataKind.SharedL2Table;
        released.Add(cluster);
        table.Original = null;
    }
}
