using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Qcow2Target.Qcow2.Io;

namespace Qcow2Target.Testing;

/// <summary>
/// A large image that costs little: header and tables are written, data clusters are holes. Version 3, clusters of 64 KiB, counts of 16 bits;
/// laid out as a guest that fills the disk from its start leaves it: each L2 table before the data that it maps.
/// </summary>
public static class SparseImage
{
    public const int ClusterBytes = 65536;

    private const int EntriesPerTable = ClusterBytes / 8;
    private const int CountsPerBlock = ClusterBytes / 2;
    private const ulong Copied = 1UL << 63;

    /// <summary>Writes it into an empty file.</summary>
    /// <param name="virtualSize">Bytes, a multiple of the cluster size.</param>
    /// <param name="mappedBytes">Bytes from the start of the disk that are mapped.</param>
    /// <returns>Host cluster of the last mapped guest cluster.</returns>
    public static long Write(IBlockFile file, long virtualSize, long mappedBytes)
    {
        var mapped = mappedBytes / ClusterBytes;
        var tables = (mapped + EntriesPerTable - 1) / EntriesPerTable;
        var l1Size = ((virtualSize / ClusterBytes) + EntriesPerTable - 1) / EntriesPerTable;
        var l1Clusters = ((l1Size * 8) + ClusterBytes - 1) / ClusterBytes;
        var blocks = 1L;
        while (blocks * CountsPerBlock < 2 + l1Clusters + blocks + tables + mapped) blocks++;
        var firstBlock = 2 + l1Clusters;
        var clusters = firstBlock + blocks + tables + mapped;

        WriteHeader(file, virtualSize, (int)l1Size);
        WriteWords(file, 1, [.. Enumerable.Range(0, (int)blocks).Select(i => (ulong)(firstBlock + i) * ClusterBytes)]);
        for (var i = 0; i < blocks; i++) WriteBlock(file, firstBlock + i, clusters - ((long)i * CountsPerBlock));
        var l1 = new ulong[l1Size];
        var next = firstBlock + blocks;
        for (var i = 0; i < tables; i++)
        {
            l1[i] = ((ulong)next * ClusterBytes) | Copied;
            var count = (int)Math.Min(EntriesPerTable, mapped - ((long)i * EntriesPerTable));
            var table = new ulong[count];
            for (var j = 0; j < count; j++) table[j] = ((ulong)(next + 1 + j) * ClusterBytes) | Copied;
            WriteWords(file, next, table);
            next += 1 + count;
        }
        WriteWords(file, 2, l1);
        file.Write((clusters * ClusterBytes) - 1, [0]);
        return clusters - 1;
    }

    private static void WriteHeader(IBlockFile file, long virtualSize, int l1Size)
    {
        var header = new byte[104];
        BinaryPrimitives.WriteUInt32BigEndian(header, 0x514649fb);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), 3);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(20), 16);
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(24), virtualSize);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(36), l1Size);
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(40), 2 * ClusterBytes);
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(48), ClusterBytes);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(56), 1);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(96), 4);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(100), 104);
        file.Write(0, header);
    }

    private static void WriteBlock(IBlockFile file, long cluster, long counted)
    {
        var block = new byte[ClusterBytes];
        for (var i = 0; i < Math.Min(counted, CountsPerBlock); i++) block[(i * 2) + 1] = 1;
        file.Write(cluster * ClusterBytes, block);
    }

    private static void WriteWords(IBlockFile file, long cluster, ulong[] words)
    {
        if (BitConverter.IsLittleEndian) BinaryPrimitives.ReverseEndianness(words, words);
        file.Write(cluster * ClusterBytes, MemoryMarshal.AsBytes(words.AsSpan()));
    }
}
