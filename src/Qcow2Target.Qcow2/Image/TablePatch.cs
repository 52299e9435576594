using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Image;

/// <summary>Entries of a table that a commit writes before they stand in the table itself.</summary>
internal sealed class TablePatch(WriterTable table, ClusterGeometry geometry)
{
    private readonly List<EntryChange> _changes = [];

    /// <summary>Where they lie in the table.</summary>
    internal SectorSet Sectors { get; } = new(geometry.ClusterBytes);

    internal void Add(List<EntryChange> changes)
    {
        _changes.AddRange(changes);
        foreach (var change in changes) Sectors.Add(table.SectorOf(change.Index));
    }

    /// <summary>Puts those that lie in a stretch of the table into its bytes.</summary>
    internal void ApplyTo(Span<byte> bytes, int offset)
    {
        foreach (var (index, entry) in _changes)
        {
            var at = (index * geometry.L2EntryBytes) - offset;
            if (at < 0 || at >= bytes.Length) continue;
            BinaryPrimitives.WriteUInt64BigEndian(bytes[at..], entry.DescriptorIn(geometry));
            if (geometry.HasExtendedL2) BinaryPrimitives.WriteUInt64BigEndian(bytes[(at + sizeof(ulong))..], entry.BitmapIn(geometry));
        }
    }
}
