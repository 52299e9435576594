using System.Buffers.Binary;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Format;

/// <summary>One entry of the snapshot table: where the L1 table of an internal snapshot lies.</summary>
/// <param name="EntryOffset">Byte of the file where the entry begins.</param>
/// <param name="L1Table">As the entry has it; meaningful where <see cref="HasValidL1"/>.</param>
/// <param name="L1Size">Entries of its L1 table.</param>
/// <param name="Name">ID and name for messages: printable, cut after 64 bytes each.</param>
/// <param name="HasValidL1">The L1 table is aligned to a cluster, at most 32 MiB, and ends below 2^63.</param>
/// <param name="IsComplete">It has all that its version demands: version 3 wants 16 bytes of extra data.</param>
public sealed record Snapshot(long EntryOffset, HostOffset L1Table, long L1Size, string Name, bool HasValidL1, bool IsComplete);

/// <summary>
/// The internal snapshots of an image: entries of 40 bytes, extra data, ID and name, each padded to 8. At most 65536 entries, 1024 bytes
/// of extra data each, 64 MiB together. The table is only ever read: nothing of a snapshot is changed here.
/// </summary>
public sealed class SnapshotTable
{
    internal const int MaxBytes = 64 << 20;
    internal const int MaxExtraBytes = 1024;

    private const int FixedBytes = 40;
    private const int MinExtraBytes = 16;
    private const int MaxShownBytes = 64;

    // One entry always fits, however long its ID and its name are.
    private const int WindowBytes = 512 << 10;

    private SnapshotTable(IReadOnlyList<Snapshot> snapshots, long bytes)
    {
        Snapshots = snapshots;
        Bytes = bytes;
    }

    public IReadOnlyList<Snapshot> Snapshots { get; }

    /// <summary>Length of the table from <see cref="ImageHeader.Snapshots"/> on, padding included.</summary>
    public long Bytes { get; }

    /// <summary>Reads the table that a header names. Reads no byte more than a few times and holds at most one window of it.</summary>
    /// <exception cref="Qcow2FormatException">An entry has too much extra data, or the table is too large.</exception>
    /// <exception cref="BlockFileException">The file could not be read.</exception>
    public static SnapshotTable ReadFrom(IBlockFile file, ImageHeader header)
    {
        var snapshots = new List<Snapshot>();
        var window = header.SnapshotCount == 0 ? [] : new byte[WindowBytes];
        long windowStart = -WindowBytes;
        long position = 0;
        for (var i = 0; i < header.SnapshotCount; i++)
        {
            // The longest entry is less than half a window.
            if (position - windowStart > WindowBytes / 2)
            {
                Require(header.Snapshots.Value <= long.MaxValue - position - WindowBytes, 64, "the snapshot table reaches beyond 2^63");
                file.Read(header.Snapshots.Value + position, window);
                windowStart = position;
            }
            snapshots.Add(ParseEntry(window.AsSpan((int)(position - windowStart)), header, header.Snapshots.Value + position, i, out var length));
            position += length;
            Require(position <= MaxBytes, header.Snapshots.Value, $"the snapshot table is larger than {MaxBytes} bytes");
        }
        return new SnapshotTable(snapshots, position);
    }

    private static Snapshot ParseEntry(ReadOnlySpan<byte> bytes, ImageHeader header, long offset, int index, out int length)
    {
        var l1Table = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        var l1Size = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]);
        var idBytes = BinaryPrimitives.ReadUInt16BigEndian(bytes[12..]);
        var nameBytes = BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        var extraBytes = BinaryPrimitives.ReadUInt32BigEndian(bytes[36..]);
        Require(extraBytes <= MaxExtraBytes, offset, $"snapshot {index} has {extraBytes} bytes of extra data, more than {MaxExtraBytes}");
        var strings = FixedBytes + (int)extraBytes;
        length = (strings + idBytes + nameBytes + 7) & ~7;

        var id = FeatureNames.Printable(bytes.Slice(strings, Math.Min((int)idBytes, MaxShownBytes)));
        var name = FeatureNames.Printable(bytes.Slice(strings + idBytes, Math.Min((int)nameBytes, MaxShownBytes)));
        var isAligned = (l1Table & ((1UL << header.ClusterBits) - 1)) == 0;
        var hasValidL1 = isAligned && l1Size <= ImageHeader.MaxL1Bytes / sizeof(ulong) && l1Table <= long.MaxValue - ImageHeader.MaxL1Bytes;
        return new Snapshot(offset, new HostOffset((long)(l1Table & long.MaxValue)), l1Size, $"{id} ({name})", hasValidL1, header.Version < 3 || extraBytes >= MinExtraBytes);
    }

    private static void Require(bool condition, long offset, string message)
    {
        if (!condition) throw new Qcow2FormatException(Qcow2FormatError.Malformed, offset, message);
    }
}
