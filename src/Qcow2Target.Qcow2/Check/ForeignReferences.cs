using System.Buffers.Binary;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Qcow2.Check;

/// <summary>
/// Counts what only others use: the LUKS header, and the directory, tables and bits of dirty bitmaps while autoclear bit 0 says that they
/// are right (without it nobody uses them, and their clusters are leaked).
/// </summary>
internal sealed class ForeignReferences(ImageHeader header, ClusterGeometry geometry, IBlockFile file, ReferenceWalk walk, Action<CheckFinding> report)
{
    private const int MaxBitmaps = 65535;
    private const int MaxDirectoryBytes = 64 << 20;
    private const int MaxTableEntries = 0x8000000;
    private const int EntryBytes = 24;
    private const ulong TableOffsetMask = 0x00ff_ffff_ffff_fe00;
    private const ulong TableReservedMask = 0xff00_0000_0000_01fe;

    internal IEnumerable<long> Steps()
    {
        if (header.Find(HeaderExtensionType.Encryption) is { Data.Length: >= 16 } encryption)
            Range(encryption.Data.Span, encryption.Offset, "LUKS header");
        if (!((AutoclearFeatures)header.Autoclear).HasFlag(AutoclearFeatures.Bitmaps) || header.Find(HeaderExtensionType.Bitmaps) is not { } extension) yield break;
        foreach (var bytes in CountBitmaps(extension)) yield return bytes;
    }

    private void Range(ReadOnlySpan<byte> bytes, long where, string subject)
    {
        var (offset, length) = (BinaryPrimitives.ReadInt64BigEndian(bytes), BinaryPrimitives.ReadInt64BigEndian(bytes[8..]));
        if (offset < 0 || length < 0 || offset > long.MaxValue - length) report(new CheckFinding(CheckFindingKind.ImpossibleEntry, where, (ulong)offset, 0, subject));
        else walk.Claim(offset, length, MetadataKind.Foreign, where, (ulong)offset, subject);
    }

    private IEnumerable<long> CountBitmaps(HeaderExtension extension)
    {
        if (!TryParse(extension, out var count, out var directory, out var bytes))
        {
            report(Bad(extension.Offset, "bitmaps extension"));
            yield break;
        }
        if (!walk.Claim(directory, bytes, MetadataKind.Foreign, extension.Offset, (ulong)directory, "bitmap directory")) yield break;
        var entries = new byte[bytes];
        file.Read(directory, entries);
        yield return bytes;
        var position = 0;
        for (var i = 0; i < count; i++)
        {
            if (!TryParseEntry(entries, ref position, out var table, out var tableEntries))
            {
                report(Bad(directory + position, "bitmap directory entry"));
                yield break;
            }
            if (!walk.Claim(table, (long)tableEntries * sizeof(ulong), MetadataKind.Foreign, directory + position, (ulong)table, "bitmap table")) continue;
            foreach (var read in CountBits(table, tableEntries)) yield return read;
        }
    }

    private IEnumerable<long> CountBits(long table, int count)
    {
        var piece = new byte[WriterLimits.ScanReadBytes];
        for (long done = 0; done < (long)count * sizeof(ulong); done += piece.Length)
        {
            var length = (int)Math.Min(piece.Length, ((long)count * sizeof(ulong)) - done);
            file.Read(table + done, piece.AsSpan(0, length));
            for (var at = 0; at < length; at += sizeof(ulong))
            {
                var raw = BinaryPrimitives.ReadUInt64BigEndian(piece.AsSpan(at));
                var where = table + done + at;
                var offset = raw & TableOffsetMask;
                // Without an offset bit 0 tells all ones from all zeros; with one it is reserved.
                if ((raw & TableReservedMask) != 0 || (offset != 0 && ((raw & 1) != 0 || !geometry.IsClusterAligned(offset)))) report(Bad(where, "bitmap table entry"));
                else if (offset != 0) walk.Claim((long)offset, geometry.ClusterBytes, MetadataKind.Foreign, where, raw, "bitmap");
            }
            yield return length;
        }
    }

    private bool TryParse(HeaderExtension extension, out int count, out long directory, out int bytes)
    {
        (count, directory, bytes) = (0, 0, 0);
        var data = extension.Data.Span;
        if (data.Length != EntryBytes) return false;
        var bitmaps = BinaryPrimitives.ReadUInt32BigEndian(data);
        var size = BinaryPrimitives.ReadUInt64BigEndian(data[8..]);
        var offset = BinaryPrimitives.ReadUInt64BigEndian(data[16..]);
        if (bitmaps is 0 or > MaxBitmaps || size is 0 or > MaxDirectoryBytes || !geometry.IsClusterAligned(offset) || offset > long.MaxValue - MaxDirectoryBytes) return false;
        (count, directory, bytes) = ((int)bitmaps, (long)offset, (int)size);
        return true;
    }

    private bool TryParseEntry(ReadOnlySpan<byte> directory, ref int position, out long table, out int tableEntries)
    {
        (table, tableEntries) = (0, 0);
        if (directory.Length - position < EntryBytes) return false;
        var entry = directory[position..];
        var offset = BinaryPrimitives.ReadUInt64BigEndian(entry);
        var entries = BinaryPrimitives.ReadUInt32BigEndian(entry[8..]);
        var length = EntryBytes + BinaryPrimitives.ReadUInt16BigEndian(entry[18..]) + (long)BinaryPrimitives.ReadUInt32BigEndian(entry[20..]);
        if (length > entry.Length || offset == 0 || !geometry.IsClusterAligned(offset) || offset > long.MaxValue >> 1 || entries is 0 or > MaxTableEntries) return false;
        position += (int)Math.Min((length + 7) & ~7L, entry.Length);
        (table, tableEntries) = ((long)offset, (int)entries);
        return true;
    }

    private static CheckFinding Bad(long where, string subject) => new(CheckFindingKind.BadBitmap, where, 0, 0, subject);
}
