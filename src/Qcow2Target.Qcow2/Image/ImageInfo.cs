using Qcow2Target.Qcow2.Check;
using Qcow2Target.Qcow2.Pending;

namespace Qcow2Target.Qcow2.Image;

/// <summary>What people and programs may want to know of an open image; fixed at open.</summary>
/// <param name="Path">Absolute path of the active file.</param>
/// <param name="Version">2 or 3.</param>
/// <param name="VirtualSize">Bytes, a multiple of 512.</param>
/// <param name="ClusterBytes">Bytes in a cluster, 512..2 MiB.</param>
/// <param name="Chain">Paths of the backing files, nearest first.</param>
/// <param name="LeakedClusters">Host clusters with a count but no reference, found at open for writing; taken into use again. 0 where the scan was not complete then.</param>
/// <param name="ClearsBitmaps">True: the image has dirty bitmaps that the first write makes invalid (autoclear bit 0).</param>
public sealed record ImageInfo(
    string Path, int Version, long VirtualSize, int ClusterBytes, IReadOnlyList<string> Chain, long LeakedClusters, bool ClearsBitmaps)
{
    /// <summary>Absolute path of the external data file; null: the image holds its data itself.</summary>
    public string? DataFile { get; init; }

    /// <summary>What was repaired when the image was opened for writing with its dirty bit set; null: there was none.</summary>
    public RepairReport? Repair { get; init; }

    /// <summary>What was done at open about writes that an earlier process had completed and not committed.</summary>
    public PendingReport Pending { get; init; }
}
