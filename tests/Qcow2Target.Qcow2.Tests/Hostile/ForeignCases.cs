using static Qcow2Target.Qcow2.Tests.Hostile.HostileCase;

namespace Qcow2Target.Qcow2.Tests.Hostile;

/// <summary>Snapshot tables and bitmaps that lie.</summary>
internal static class ForeignCases
{
    public static readonly HostileCase[] Cases =
    [
        ReadOnly("snapshot table behind the file", "snapshot", "", image => image.Set64(64, (uint)((image.Length + 8191) & ~4095))),
        ReadOnly("snapshot table at the L1 table", "snapshot", "", image => image.Set64(64, (uint)image.L1)),
        ReadOnly("snapshot table at the header", "snapshot", "", image => image.Set64(64, 4096)),
        Writable("one snapshot more than there are", "snapshot", image => image.Set32(60, 3)),
        ReadOnly("65536 snapshots in one cluster", "snapshot", "", image => image.Set32(60, 65536)),
        Writable("no snapshots, their clusters left", "snapshot", image => image.Set32(60, 0)),
        ReadOnly("snapshot L1 not aligned", "snapshot", "", image => image.Set64(image.Snapshots, image.U64(image.Snapshots) + 8)),
        ReadOnly("snapshot L1 at 0", "snapshot", "", image => image.Set64(image.Snapshots, 0)),
        ReadOnly("snapshot L1 at 2^63", "snapshot", "", image => image.Set64(image.Snapshots, 1UL << 63)),
        ReadOnly("snapshot L1 behind the file", "snapshot", "", image => image.Set64(image.Snapshots, (uint)((image.Length + 8191) & ~4095))),
        ReadOnly("snapshot L1 at the active L1", "snapshot", "", image => image.Set64(image.Snapshots, (uint)image.L1)),
        ReadOnly("snapshot L1 at the refcount table", "snapshot", "", image => image.Set64(image.Snapshots, (uint)image.RefcountTable)),
        ReadOnly("snapshot L1 larger than 32 MiB", "snapshot", "", image => image.Set32(image.Snapshots + 8, (32 << 20) / 8 + 1)),
        ReadOnly("snapshot L1 of 2^32 - 1 entries", "snapshot", "", image => image.Set32(image.Snapshots + 8, uint.MaxValue)),
        ReadOnly("snapshot id of 65535 bytes", "snapshot", "", image => image.Set16(image.Snapshots + 12, ushort.MaxValue)),
        ReadOnly("snapshot name of 65535 bytes", "snapshot", "", image => image.Set16(image.Snapshots + 14, ushort.MaxValue)),
        ReadOnly("snapshot extra data of 1025 bytes", "snapshot", "", image => image.Set32(image.Snapshots + 36, 1025)),
        ReadOnly("snapshot extra data of 2^32 - 1 bytes", "snapshot", "", image => image.Set32(image.Snapshots + 36, uint.MaxValue)),
        ReadOnly("snapshot L1 entry of all ones", "snapshot", "", image => image.Set64((long)image.U64(image.Snapshots), ulong.MaxValue)),
        ReadOnly("snapshot L1 entry at the header", "snapshot", "", image => image.Set64((long)image.U64(image.Snapshots), 4096)),
        ReadOnly("snapshot L1 entry at itself", "snapshot", "", image => image.Set64((long)image.U64(image.Snapshots), image.U64(image.Snapshots))),
        ReadOnly("active L2 entry with COPIED that a snapshot shares, count 1", "snapshot", "", image => image.Set16(image.RefcountBlock + 2 * (int)((image.U64(image.L2) & 0xffffff) / (uint)image.Cluster), 1)),
        Writable("active L2 entry with COPIED that a snapshot shares", "snapshot", image => image.Set64(image.L2, image.U64(image.L2) | (1UL << 63))),
        Writable("no bitmaps in the extension", "bitmap", image => image.Set32(120, 0)),
        Writable("65536 bitmaps in the extension", "bitmap", image => image.Set32(120, 65536)),
        Writable("2^32 - 1 bitmaps in the extension", "bitmap", image => image.Set32(120, uint.MaxValue)),
        Writable("bitmap directory of no bytes", "bitmap", image => image.Set64(128, 0)),
        Writable("bitmap directory of 64 MiB and more", "bitmap", image => image.Set64(128, (64 << 20) + 1)),
        Writable("bitmap directory of 2^64 - 1 bytes", "bitmap", image => image.Set64(128, ulong.MaxValue)),
        Writable("bitmap directory not aligned", "bitmap", image => image.Set64(136, image.U64(136) + 8)),
        ReadOnly("bitmap directory behind the file", "bitmap", "beyond the end", image => image.Set64(136, 1UL << 50)),
        Writable("bitmap directory at 2^63", "bitmap", image => image.Set64(136, 1UL << 63)),
        ReadOnly("bitmap directory at the L1 table", "bitmap", "", image => image.Set64(136, (uint)image.L1)),
        Writable("bitmaps extension of 8 bytes", "bitmap", image => image.Set32(116, 8)),
        Writable("bitmaps not said to be right", "bitmap", image => image.Set64(88, 0)),
        ReadOnly("bitmap table behind the file", "bitmap", "beyond the end", image => image.Set64((long)image.U64(136), 1UL << 50)),
        Writable("bitmap table of 2^32 - 1 entries", "bitmap", image => image.Set32((long)image.U64(136) + 8, uint.MaxValue)),
        Writable("bitmap name of 65535 bytes", "bitmap", image => image.Set16((long)image.U64(136) + 18, ushort.MaxValue)),
        Writable("bitmap extra data of 2^32 - 1 bytes", "bitmap", image => image.Set32((long)image.U64(136) + 20, uint.MaxValue)),
    ];
}
