using System.Buffers.Binary;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>What an UNMAP of 1 TiB costs, counted: the turns that others wait, the writes, the memory.</summary>
public sealed class UnmapCostTests(ITestOutputHelper output)
{
    private const long TiB = 1L << 40;
    private const int LargeCluster = 2 << 20;

    [Fact]
    public void A_sparse_tebibyte_costs_what_is_mapped_in_it()
    {
        var images = new TestImages { Cache = new CacheBudget(1 << 20) };
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = TiB });
        var faulty = new FaultyBlockFile(file);
        images.Files["t"] = faulty;
        var driver = images.Drive("t");
        for (var i = 0; i < 100; i++) driver.WriteThrough(i * (TiB / 100) & -512, new byte[] { 1 });
        driver.Close();
        driver = images.Drive("t");     // nothing is cached
        var cost = Unmap(driver, faulty, images.Cache);
        // 100 tables: each loaded, changed in a sector or made room for, its cluster punched.
        Assert.InRange(cost.Turns, 1, 1000);
        Assert.InRange(cost.Writes, 1, 1000);
        Assert.InRange(cost.Punches, 1, 100);
        Assert.InRange(cost.CacheBytes, 1, 20 << 20);
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    [Fact]
    public void A_full_tebibyte_is_given_back_in_bounded_turns_and_others_go_on()
    {
        var images = new TestImages { Cache = new CacheBudget(1 << 20) };
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = TiB, ClusterBits = 21 });
        MapAll(file);
        var faulty = new FaultyBlockFile(file);
        images.Files["t"] = faulty;
        var driver = images.Drive("t");
        var cost = Unmap(driver, faulty, images.Cache);
        // Two tables of 2 MiB in whole, the counts of half a million clusters, one hole.
        Assert.True(cost.OthersWentOn);
        Assert.InRange(cost.Turns, 1, 100);
        Assert.InRange(cost.Writes, 1, 100);
        Assert.InRange(cost.Punches, 1, 16);
        Assert.InRange(cost.CacheBytes, 1, 20 << 20);
        var read = new byte[512];
        driver.Image.Read(TiB - 512, read);
        Assert.Equal(-1, read.AsSpan().IndexOfAnyExcept((byte)0));
        driver.Close();
    }

    private (int Turns, int Writes, int Punches, long CacheBytes, bool OthersWentOn) Unmap(WriterDriver driver, FaultyBlockFile file, CacheBudget cache)
    {
        var (writes, punches, turns, most) = (file.Writes, file.Punches, 0, 0L);
        var unmap = driver.Zero(0, TiB, ZeroSpace.Free);
        // One that came later and has nothing to do with it is not behind it.
        Outcome? other = null;
        var between = false;
        for (; !unmap.IsCompleted; turns++)
        {
            other ??= driver.Flush();
            driver.Turn();
            between |= other.IsCompleted && !unmap.IsCompleted;
            most = Math.Max(most, cache.UsedBytes);
        }
        Assert.True(unmap.Succeeded, unmap.Fault?.Message);
        driver.Flush();
        driver.RunAll();
        var cost = (turns, file.Writes - writes, file.Punches - punches, most);
        output.WriteLine($"{cost.turns} turns, {cost.Item2} writes, {cost.Item3} punches, {cost.most} bytes of tables");
        return (cost.turns, cost.Item2, cost.Item3, cost.most, between);
    }

    // What QEMU makes with preallocation=falloc, and no byte of the data is there: L2 tables behind everything, then all clusters in order.
    private static void MapAll(MemoryBlockFile file)
    {
        const ulong copied = 1UL << 63;
        var word = new byte[8];
        file.Read(40, word);
        var l1 = BinaryPrimitives.ReadInt64BigEndian(word);
        file.Read(48, word);
        file.Read(BinaryPrimitives.ReadInt64BigEndian(word), word);
        var counts = BinaryPrimitives.ReadInt64BigEndian(word);
        var first = (file.Length + LargeCluster - 1) / LargeCluster;
        const int perTable = LargeCluster / 8;
        const int tables = (int)(TiB / LargeCluster / perTable);
        for (var table = 0; table < tables; table++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(word, copied | (ulong)((first + table) * LargeCluster));
            file.Write(l1 + (table * 8), word);
            var entries = new byte[LargeCluster];
            for (var i = 0; i < perTable; i++)
                BinaryPrimitives.WriteUInt64BigEndian(entries.AsSpan(i * 8), copied | (ulong)((first + tables + (table * (long)perTable) + i) * LargeCluster));
            file.Write((first + table) * LargeCluster, entries);
        }
        var used = tables + (TiB / LargeCluster);
        var ones = new byte[used * 2];
        for (var i = 1; i < ones.Length; i += 2) ones[i] = 1;
        file.Write(counts + (first * 2), ones);
        file.SetLength((first + used) * LargeCluster);
    }
}
