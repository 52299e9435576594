using System.Buffers.Binary;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

public sealed class CacheBudgetTests(ITestOutputHelper output)
{
    private const long TiB = 1L << 40;
    private const long Budget = 1 << 20;

    [Fact]
    public void Random_reads_over_a_full_tebibyte_are_right_with_a_budget_of_one_mebibyte()
    {
        var cache = new CacheBudget(Budget);
        var files = new MemoryFiles { ["t"] = new FullTebibyte() };
        using var image = Qcow2Image.Open(new ImageOpenOptions { Path = "t", Access = ImageAccess.ReadOnly, Files = files, Backings = new BackingImages(files, cache), Cache = cache });
        Assert.Equal(TiB, image.Length);
        var seed = new RandomSource(output.WriteLine).Next();
        var most = 0L;
        Parallel.For(0, 4, reader =>
        {
            var random = new Random(HashCode.Combine(seed, reader));
            var read = new byte[512];
            for (var i = 0; i < 150; i++)
            {
                var guest = random.NextInt64(TiB / 512) * 512;
                if (!image.TryRead(guest, read)) image.Read(guest, read);
                for (var at = 0; at < read.Length; at += 8)
                {
                    if (BinaryPrimitives.ReadInt64LittleEndian(read.AsSpan(at)) != FullTebibyte.HostOf(guest + at)) throw new InvalidDataException($"guest offset 0x{guest + at:x}");
                }
                InterlockedMax(ref most, cache.UsedBytes);
            }
        });
        output.WriteLine($"{cache.Loads} loads, {cache.Evictions} evictions, at most {most} bytes");
        // Each of four readers may bring a table before room is made for it.
        Assert.InRange(most, 1, Budget + (4 * FullTebibyte.Cluster));
        Assert.InRange(cache.UsedBytes, 1, Budget);
        Assert.InRange(cache.Loads, 300, 600);
        Assert.Equal(cache.Loads - (cache.UsedBytes / FullTebibyte.Cluster), cache.Evictions);
    }

    private static void InterlockedMax(ref long target, long value)
    {
        for (var seen = Volatile.Read(ref target); value > seen;)
        {
            var found = Interlocked.CompareExchange(ref target, value, seen);
            if (found == seen) return;
            seen = found;
        }
    }

    /// <summary>An image of 1 TiB with every cluster allocated, in no order; its bytes are made as they are read. Each 8 bytes of data hold their place in the file.</summary>
    private sealed class FullTebibyte : IBlockFile
    {
        internal const int Cluster = 1 << 16;
        private const long Clusters = TiB / Cluster;
        private const long Tables = Clusters / (Cluster / 8);
        private const long FirstTable = 4;
        private const long FirstData = FirstTable + Tables;
        private const ulong Copied = 1UL << 63;

        public long Length => (FirstData + Clusters) * Cluster;

        internal static long HostOf(long guest) => ((FirstData + (guest / Cluster * 0x9E3779B1L % Clusters)) * Cluster) + (guest % Cluster);

        public bool TryRead(long offset, Span<byte> destination)
        {
            Read(offset, destination);
            return true;
        }

        public void Read(long offset, Span<byte> destination)
        {
            Span<byte> bytes = stackalloc byte[8];
            for (var at = 0; at < destination.Length; at++)
            {
                var word = (offset + at) & ~7L;
                Make(word, bytes);
                var from = (int)(offset + at - word);
                var count = Math.Min(8 - from, destination.Length - at);
                bytes.Slice(from, count).CopyTo(destination[at..]);
                at += count - 1;
            }
        }

        public void Write(long offset, ReadOnlySpan<byte> source) => throw new BlockFileException(BlockFileError.ReadOnly, "it is read-only");

        public bool Punch(long offset, long length) => false;

        public void Sync()
        {
        }

        public void Dispose()
        {
        }

        private static void Make(long word, Span<byte> bytes)
        {
            bytes.Clear();
            var cluster = word / Cluster;
            if (cluster >= FirstData) BinaryPrimitives.WriteInt64LittleEndian(bytes, word);
            else if (cluster >= FirstTable) BinaryPrimitives.WriteUInt64BigEndian(bytes, Copied | (ulong)HostOf((word - (FirstTable * Cluster)) / 8 * Cluster));
            else if (cluster == 3 && word % Cluster < Tables * 8) BinaryPrimitives.WriteUInt64BigEndian(bytes, Copied | (ulong)((FirstTable + (word % Cluster / 8)) * Cluster));
            else if (cluster == 0) BinaryPrimitives.WriteUInt64BigEndian(bytes, HeaderWord((int)word));
        }

        private static ulong HeaderWord(int offset) => offset switch
        {
            0 => 0x514649fb_00000003,
            16 => 16,
            24 => (ulong)TiB,
            32 => (ulong)Tables,
            40 => 3 * Cluster,
            48 => Cluster,
            56 => 1UL << 32,
            96 => (4UL << 32) | 104,
            _ => 0,
        };
    }
}
