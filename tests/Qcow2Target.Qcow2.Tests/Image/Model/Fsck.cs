using System.Buffers.Binary;
using System.IO.Compression;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image.Model;

/// <summary>
/// A second opinion on an image, written from the format's specification and sharing no code with the engine: standard and extended L2 entries, no
/// snapshots, 16-bit refcounts. It judges as <c>qemu-img check</c> does (the two are compared in a test) and reads guest bytes.
/// </summary>
internal sealed class Fsck
{
    private const ulong OffsetMask = 0x00fffffffffffe00;
    private const ulong Copied = 1UL << 63;
    private const ulong Compressed = 1UL << 62;

    private readonly byte[] _bytes;
    private readonly Dictionary<long, int> _references = [];
    private readonly Dictionary<long, string> _owner = [];
    private readonly ulong[] _l1;
    private readonly ulong[] _refcountTable;

    internal Fsck(MemoryBlockFile file)
    {
        _bytes = file.ToArray();
        Assert.Equal(0x514649fbu, BinaryPrimitives.ReadUInt32BigEndian(_bytes));
        Version = (int)BinaryPrimitives.ReadUInt32BigEndian(_bytes.AsSpan(4));
        ClusterBits = (int)BinaryPrimitives.ReadUInt32BigEndian(_bytes.AsSpan(20));
        VirtualSize = BinaryPrimitives.ReadInt64BigEndian(_bytes.AsSpan(24));
        var l1Size = (int)BinaryPrimitives.ReadUInt32BigEndian(_bytes.AsSpan(36));
        var l1Offset = BinaryPrimitives.ReadInt64BigEndian(_bytes.AsSpan(40));
        var tableOffset = BinaryPrimitives.ReadInt64BigEndian(_bytes.AsSpan(48));
        var tableClusters = (int)BinaryPrimitives.ReadUInt32BigEndian(_bytes.AsSpan(56));
        Assert.Equal(0u, BinaryPrimitives.ReadUInt32BigEndian(_bytes.AsSpan(60)));
        if (Version >= 3) IncompatibleFeatures = BinaryPrimitives.ReadUInt64BigEndian(_bytes.AsSpan(72));

        Refer(0, ClusterBytes, "header");
        Refer(l1Offset, l1Size * 8, "L1");
        Refer(tableOffset, tableClusters * ClusterBytes, "refcount table");
        _l1 = Table(l1Offset, l1Size);
        _refcountTable = Table(tableOffset, tableClusters * ClusterBytes / 8);
        for (var index = 0; index < _refcountTable.Length; index++)
        {
            if (_refcountTable[index] == 0) continue;
            if ((_refcountTable[index] & (ulong)(ClusterBytes - 1)) != 0 || (long)_refcountTable[index] < 0) Errors.Add($"refcount table entry {index} impossible: {_refcountTable[index]:x}");
            else Refer((long)_refcountTable[index], ClusterBytes, $"refcount block {index}");
        }
        // COPIED without an offset is no table (QEMU's reading, and ours).
        for (var index = 0; index < _l1.Length; index++) if ((_l1[index] & ~(1UL << 63)) != 0) WalkL2(index);
        for (var index = 0; index < _l1.Length; index++) CheckCopied(_l1[index], $"L1 entry {index}");
        Judge();
    }

    internal List<string> Errors { get; } = [];

    internal int Leaks { get; private set; }

    /// <summary>Those that <c>qemu-img check</c> sees: it does not look at counts behind the end of the file.</summary>
    internal int LeaksInFile { get; private set; }

    internal int Version { get; }

    internal int ClusterBits { get; }

    internal int ClusterBytes => 1 << ClusterBits;

    internal long VirtualSize { get; }

    internal ulong IncompatibleFeatures { get; }

    /// <summary>8, or 16 where entries are extended.</summary>
    internal int EntryBytes => (IncompatibleFeatures & 16) != 0 ? 16 : 8;

    internal int RefcountTableClusters => _refcountTable.Length * 8 / ClusterBytes;

    /// <summary>Guest clusters that have a host cluster.</summary>
    internal int DataClusters { get; private set; }

    internal void AssertNoErrors(Func<string> when) => Assert.True(Errors.Count == 0, $"{when()}:\n{string.Join('\n', Errors.Take(8))}");

    /// <summary>Reads 512 guest bytes; null: unallocated, the backing file's.</summary>
    internal byte[]? ReadSector(long guestOffset)
    {
        var perTable = ClusterBytes / EntryBytes;
        var l1Index = guestOffset / ClusterBytes / perTable;
        var table = l1Index < _l1.Length ? (long)(_l1[l1Index] & OffsetMask) : 0;
        if (table == 0) return null;
        var at = table + guestOffset / ClusterBytes % perTable * EntryBytes;
        var entry = Word(at);
        var within = (int)(guestOffset & (ClusterBytes - 1));
        if ((entry & Compressed) != 0) return Decompress(entry).AsSpan(within, 512).ToArray();
        var host = (long)(entry & OffsetMask);
        if (EntryBytes == 16)
        {
            var subcluster = within / (ClusterBytes / 32);
            var bitmap = Word(at + 8);
            if ((bitmap >> (32 + subcluster) & 1) != 0) return new byte[512];
            if ((bitmap >> subcluster & 1) == 0) return null;
        }
        else
        {
            if (Version >= 3 && (entry & 1) != 0) return new byte[512];
            if (host == 0) return null;
        }
        var sector = new byte[512];
        var from = host + within;
        if (from < _bytes.Length) _bytes.AsSpan((int)from, (int)Math.Min(512, _bytes.Length - from)).CopyTo(sector);
        return sector;
    }

    private void WalkL2(int l1Index)
    {
        var offset = (long)(_l1[l1Index] & OffsetMask);
        if (offset % ClusterBytes != 0)
        {
            Errors.Add($"L1 entry {l1Index} unaligned: {_l1[l1Index]:x}");
            return;
        }
        Refer(offset, ClusterBytes, $"L2 {l1Index}");
        var words = Table(offset, ClusterBytes / 8);
        var wordsPerEntry = EntryBytes / 8;
        for (var index = 0; index < words.Length / wordsPerEntry; index++)
        {
            var entry = words[index * wordsPerEntry];
            var guest = ((long)l1Index * (words.Length / wordsPerEntry) + index) * ClusterBytes;
            if (wordsPerEntry == 2) CheckBitmap(entry, words[2 * index + 1], guest);
            if ((entry & Compressed) != 0)
            {
                if ((entry & Copied) != 0) Errors.Add($"compressed entry at guest {guest:x} is COPIED");
                var (start, length) = CompressedRange(entry);
                Refer(start, length, null);
                DataClusters++;
            }
            else if ((entry & OffsetMask) != 0)
            {
                var host = (long)(entry & OffsetMask);
                if (host % ClusterBytes != 0)
                {
                    Errors.Add($"L2 entry of guest {guest:x} unaligned: {entry:x}");
                    continue;
                }
                Refer(host, ClusterBytes, $"data of guest {guest:x}");
                CheckCopied(entry, $"L2 entry of guest {guest:x}");
                DataClusters++;
            }
            // COPIED without an offset is unallocated, as in QEMU.
            else if ((entry & ~(Copied | 1)) != 0 || ((Version < 3 || wordsPerEntry == 2) && (entry & 1) != 0))
            {
                Errors.Add($"L2 entry of guest {guest:x} has reserved bits: {entry:x}");
            }
        }
    }

    private void CheckBitmap(ulong entry, ulong bitmap, long guest)
    {
        var allocated = (uint)bitmap;
        var zeros = (uint)(bitmap >> 32);
        if ((entry & Compressed) != 0 ? bitmap != 0 : (allocated & zeros) != 0 || ((entry & OffsetMask) == 0 && allocated != 0))
            Errors.Add($"L2 entry of guest {guest:x}: bitmap {bitmap:x} contradicts {entry:x}");
    }

    private void CheckCopied(ulong entry, string what)
    {
        if ((entry & OffsetMask) == 0) return;
        var count = Refcount((long)(entry & OffsetMask) / ClusterBytes);
        if ((count == 1) != ((entry & Copied) != 0)) Errors.Add($"{what} ({entry:x}): refcount {count} against its COPIED bit");
    }

    private void Refer(long offset, long length, string? exclusive)
    {
        if (offset <= 0 && exclusive != "header")
        {
            Errors.Add($"{exclusive} at {offset:x}");
            return;
        }
        if (offset >= _bytes.Length) Errors.Add($"{exclusive ?? "compressed data"} at {offset:x} begins beyond the end {_bytes.Length:x}");
        for (var cluster = offset / ClusterBytes; cluster <= (offset + length - 1) / ClusterBytes; cluster++)
        {
            _references[cluster] = _references.GetValueOrDefault(cluster) + 1;
            var owner = exclusive ?? "compressed data";
            if (_owner.TryGetValue(cluster, out var other) && (exclusive is not null || other != "compressed data"))
                Errors.Add($"cluster {cluster} (at {cluster * ClusterBytes:x}) belongs to {other} and to {owner}");
            _owner[cluster] = owner;
        }
    }

    private void Judge()
    {
        foreach (var (cluster, references) in _references)
        {
            var count = Refcount(cluster);
            if (count < references) Errors.Add($"cluster {cluster} ({_owner[cluster]}) has refcount {count}, referenced {references} times");
            else if (count > references) Leak(cluster);
        }
        var perBlock = ClusterBytes / 2;
        for (var block = 0; block < _refcountTable.Length; block++)
        {
            if (_refcountTable[block] == 0) continue;
            for (var index = 0; index < perBlock; index++)
            {
                var cluster = (long)block * perBlock + index;
                if (!_references.ContainsKey(cluster) && Refcount(cluster) > 0) Leak(cluster);
            }
        }
    }

    private void Leak(long cluster)
    {
        Leaks++;
        if (cluster * ClusterBytes < _bytes.Length) LeaksInFile++;
    }

    private int Refcount(long cluster)
    {
        var perBlock = ClusterBytes / 2;
        var block = cluster / perBlock;
        if (block >= _refcountTable.Length || _refcountTable[block] == 0) return 0;
        var offset = (long)_refcountTable[block] + cluster % perBlock * 2;
        return offset >= 0 && offset + 2 <= _bytes.Length ? BinaryPrimitives.ReadUInt16BigEndian(_bytes.AsSpan((int)offset)) : 0;
    }

    private (long Start, long Length) CompressedRange(ulong entry)
    {
        var shift = 62 - (ClusterBits - 8);
        var start = (long)(entry & ((1UL << shift) - 1));
        var sectors = (long)((entry & ~(Copied | Compressed)) >> shift);
        return (start, (sectors + 1) * 512 - (start & 511));
    }

    private byte[] Decompress(ulong entry)
    {
        var (start, length) = CompressedRange(entry);
        using var inflate = new DeflateStream(new MemoryStream(_bytes, (int)start, (int)Math.Min(length, _bytes.Length - start)), CompressionMode.Decompress);
        var cluster = new byte[ClusterBytes];
        inflate.ReadExactly(cluster);
        return cluster;
    }

    private ulong[] Table(long offset, int count)
    {
        var entries = new ulong[count];
        for (var index = 0; index < count; index++) entries[index] = Word(offset + index * 8L);
        return entries;
    }

    private ulong Word(long offset) => offset >= 0 && offset + 8 <= _bytes.Length ? BinaryPrimitives.ReadUInt64BigEndian(_bytes.AsSpan((int)offset)) : 0;
}
