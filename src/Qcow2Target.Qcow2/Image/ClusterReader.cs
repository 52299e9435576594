using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// Reads guest bytes through the map: neighbouring clusters that lie side by side in the file, or are all zeros, or all come from the
/// layer below, are one piece. Does not know about the epoch; its callers count themselves in.
/// </summary>
internal sealed class ClusterReader(ClusterGeometry geometry, IBlockFile file, ClusterMap map, Decompressor decompressor, IImageLayer? backing)
{
    /// <summary>Reads whole without waiting. No allocation.</summary>
    internal bool TryRead(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            if (map.Find(geometry.L1Index(offset), out var table) == TableState.NotCached) return false;
            var run = ClusterRun.At(table, geometry, offset, destination.Length);
            var piece = destination[..run.Length];
            switch (run.Kind)
            {
                case L2EntryKind.Normal:
                    if (!file.TryRead(run.Host, piece)) return false;
                    break;
                case L2EntryKind.ZeroPlain or L2EntryKind.ZeroAllocated:
                    piece.Clear();
                    break;
                case L2EntryKind.Unallocated:
                    if (!TryReadBacking(offset, piece)) return false;
                    break;
                case L2EntryKind.Compressed:
                    if (!decompressor.TryRead(run.Entry, geometry.OffsetInCluster(offset), piece)) return false;
                    break;
                default:
                    return false;
            }
            offset += run.Length;
            destination = destination[run.Length..];
        }
        return true;
    }

    /// <summary>Reads whole; waits for the file where it must.</summary>
    /// <exception cref="ImageFaultException">The file reported an error, or the image contradicts itself here.</exception>
    internal void Read(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var l1Index = geometry.L1Index(offset);
            if (map.Find(l1Index, out var table) == TableState.NotCached) table = map.Load(l1Index);
            var run = ClusterRun.At(table, geometry, offset, destination.Length);
            var piece = destination[..run.Length];
            switch (run.Kind)
            {
                case L2EntryKind.Normal:
                    file.Read(run.Host, piece);
                    break;
                case L2EntryKind.ZeroPlain or L2EntryKind.ZeroAllocated:
                    piece.Clear();
                    break;
                case L2EntryKind.Unallocated:
                    ReadBacking(offset, piece);
                    break;
                case L2EntryKind.Compressed:
                    decompressor.Read(run.Entry, geometry.OffsetInCluster(offset), piece);
                    break;
                default:
                    throw Faults.Read($"the mapping of guest offset 0x{offset:x} is impossible");
            }
            offset += run.Length;
            destination = destination[run.Length..];
        }
    }

    private bool TryReadBacking(long offset, Span<byte> destination)
    {
        var inside = BytesInBacking(offset, destination.Length);
        if (inside > 0 && !backing!.TryRead(offset, destination[..inside])) return false;
        destination[inside..].Clear();
        return true;
    }

    private void ReadBacking(long offset, Span<byte> destination)
    {
        var inside = BytesInBacking(offset, destination.Length);
        if (inside > 0) backing!.Read(offset, destination[..inside]);
        destination[inside..].Clear();
    }

    // A shorter layer reads as zeros behind its end.
    private int BytesInBacking(long offset, int length) => backing is null ? 0 : (int)Math.Clamp(backing.Length - offset, 0, length);
}
