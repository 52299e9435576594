using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Qcow2.Check;

/// <summary>Counts what the entries of L2 tables point to.</summary>
internal sealed class MappingReferences(ClusterGeometry geometry, ReferenceWalk walk, Action<CheckFinding> report)
{
    private const string Standard = "L2 entry";
    private const string Compressed = "compressed L2 entry";

    internal void CountTable(ReadOnlySpan<byte> table, TableUse use)
    {
        for (var at = 0; at < table.Length; at += geometry.L2EntryBytes)
        {
            var bytes = table.Slice(at, geometry.L2EntryBytes);
            var raw = BinaryPrimitives.ReadUInt64BigEndian(bytes);
            if (raw == 0 && !bytes.ContainsAnyExcept((byte)0)) continue;
            var where = (use.Cluster << geometry.ClusterBits) + at;
            var entry = L2Entry.ReadFrom(bytes, geometry);
            if (entry.Kind == L2EntryKind.Invalid) report(new CheckFinding(CheckFindingKind.ImpossibleEntry, where, raw, 0, Standard));
            // The bitmap of a compressed cluster means nothing and has to be 0.
            else if (entry.IsCompressed && bytes[sizeof(ulong)..].ContainsAnyExcept((byte)0)) report(new CheckFinding(CheckFindingKind.ImpossibleEntry, where, raw, 0, Compressed));
            else if (entry.IsCompressed) CountCompressed(entry, raw, where, use);
            else if (entry.HasHost) CountStandard(entry, raw, where, use);
        }
    }

    private void CountCompressed(L2Entry entry, ulong raw, long where, TableUse use)
    {
        // COPIED is read without; but who set it may count such clusters as its own to overwrite.
        if (raw != entry.Stream || geometry.HasDataFile || !CompressedDescriptor.TryParse(entry.Stream, geometry, out var descriptor))
        {
            report(new CheckFinding(CheckFindingKind.ImpossibleEntry, where, raw, 0, Compressed));
            return;
        }
        if (descriptor.Host.Value >= walk.FileLength)
        {
            report(new CheckFinding(CheckFindingKind.BeyondEnd, where, raw, 0, Compressed));
            return;
        }
        if (!walk.Count(descriptor.Host.Value, descriptor.AvailableBytes, where, raw, Compressed, use.Total)) return;
        var (first, last) = descriptor.HostClusters(geometry);
        for (var cluster = first; cluster <= last; cluster++)
            if (walk.Metadata[cluster] != MetadataKind.None) report(new CheckFinding(CheckFindingKind.Overlap, where, raw, 0, Compressed));
    }

    private void CountStandard(L2Entry entry, ulong raw, long where, TableUse use)
    {
        if (geometry.HasDataFile)
        {
            if (use.Active > 0 && !entry.IsCopied) report(new CheckFinding(CheckFindingKind.CopiedMismatch, where, raw, 1, Standard));
            return;
        }
        if (entry.Host.Value >= walk.FileLength)
        {
            report(new CheckFinding(CheckFindingKind.BeyondEnd, where, raw, 0, Standard));
            return;
        }
        var cluster = entry.Host.Value >> geometry.ClusterBits;
        walk.Used.Add(cluster, use.Total);
        if (walk.Metadata[cluster] != MetadataKind.None) report(new CheckFinding(CheckFindingKind.Overlap, where, raw, 0, Standard));
        if (use.Active > 0) walk.JudgeCopied(cluster, entry.IsCopied, where, raw, Standard);
    }
}
