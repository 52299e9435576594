using Qcow2Target.Qcow2.Format;

namespace Qcow2Target.Qcow2.Pending;

/// <summary>The words of an L2 entry as the file has them; the second is 0 where entries have 8 bytes.</summary>
internal readonly record struct PendingEntry(ulong Descriptor, ulong Bitmap)
{
    internal const ulong CopiedBit = 1UL << 63;

    internal static PendingEntry Of(L2Entry entry, ClusterGeometry geometry) => new(entry.DescriptorIn(geometry), entry.BitmapIn(geometry));

    internal L2Entry Parse(ClusterGeometry geometry) => L2Entry.Parse(Descriptor, Bitmap, geometry);

    /// <summary>The counted cluster of the image that an entry points to; null: there is none.</summary>
    internal static HostOffset? CountedHost(L2Entry entry, ClusterGeometry geometry) => entry.HasHost && !geometry.HasDataFile ? entry.Host : null;

    /// <summary>
    /// Equal but for COPIED: the engine takes an entry for shared, whatever it claims, where the count of its cluster says so; so what it held for the
    /// old value may lack the bit that the file has.
    /// </summary>
    internal bool Matches(PendingEntry other) => ((Descriptor ^ other.Descriptor) & ~CopiedBit) == 0 && Bitmap == other.Bitmap;
}
