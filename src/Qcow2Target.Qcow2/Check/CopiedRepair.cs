using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Check;

/// <summary>
/// Sets COPIED in the entries of the active layer whose cluster is counted once, and clears it in all others; and where an L1 entry, of a snapshot too,
/// holds COPIED alone. Eight bytes at a time: an entry changes whole or not at all. Never makes a change that depends on another one.
/// </summary>
internal sealed class CopiedRepair(IBlockFile file, ImageHeader header, ClusterGeometry geometry, Func<long, ulong> count)
{
    private const ulong CopiedBit = 1UL << 63;

    private long _changed;

    /// <summary>Returns how many entries were written; the sync is the caller's.</summary>
    internal long Run(IReadOnlyList<TableUse> tables)
    {
        RunL1(header.L1Table, header.L1Size, Layer.Active);
        if (header.SnapshotCount > 0)
        {
            foreach (var snapshot in SnapshotTable.ReadFrom(file, header).Snapshots)
            {
                if (snapshot.HasValidL1) RunL1(snapshot.L1Table, snapshot.L1Size, Layer.Snapshot);
            }
        }
        var table = new byte[geometry.ClusterBytes];
        foreach (var use in tables)
        {
            if (use.Active == 0) continue;
            file.Read(use.Cluster << geometry.ClusterBits, table);
            for (var at = 0; at < table.Length; at += geometry.L2EntryBytes)
            {
                var entry = L2Entry.ReadFrom(table.AsSpan(at, geometry.L2EntryBytes), geometry);
                if (!entry.HasHost) continue;
                var raw = BinaryPrimitives.ReadUInt64BigEndian(table.AsSpan(at));
                var where = (use.Cluster << geometry.ClusterBits) + at;
                if (!geometry.HasDataFile) Settle(raw, entry.Host.Value, where);
                else if (!entry.IsCopied) Write(where, raw | CopiedBit);
            }
        }
        return _changed;
    }

    private void RunL1(HostOffset table, long entries, Layer layer)
    {
        var l1 = new byte[entries * sizeof(ulong)];
        file.Read(table.Value, l1);
        for (var at = 0; at < l1.Length; at += sizeof(ulong))
        {
            var raw = BinaryPrimitives.ReadUInt64BigEndian(l1.AsSpan(at));
            if (raw == 0 || !L1Entry.TryParse(raw, geometry, out var entry)) continue;
            if (!entry.HasTable) Write(table.Value + at, 0);
            else if (layer == Layer.Active) Settle(raw, entry.TableOffset.Value, table.Value + at);
        }
    }

    private void Settle(ulong raw, long host, long where)
    {
        var settled = count(host >> geometry.ClusterBits) == 1 ? raw | CopiedBit : raw & ~CopiedBit;
        if (settled != raw) Write(where, settled);
    }

    private void Write(long where, ulong raw)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, raw);
        file.Write(where, bytes);
        _changed++;
    }

    private enum Layer
    {
        Active,
        Snapshot,
    }
}
