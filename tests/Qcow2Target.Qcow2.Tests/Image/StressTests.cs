using System.Diagnostics;
using System.Runtime.InteropServices;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Tests.Image.Model;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Callers that write, zero and read side by side, each knowing exactly what its own sectors hold.</summary>
[Trait("Length", "Long")]
public sealed class StressTests(ITestOutputHelper output)
{
    private const int Callers = 3;
    private const int ClusterSectors = 8;
    private const int SharedClusters = 48;
    private const int OwnClusters = 32;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(1 << 16)]
    [InlineData(1 << 20)]
    public async Task What_a_caller_has_written_is_what_it_reads_whatever_others_do(int cacheBytes)
    {
        var random = new RandomSource(output.WriteLine);
        // Each cluster of the first part belongs to all callers, sector by sector; then each has clusters of its own. Gaps of a table keep the cache busy.
        const long Stride = 2L << 20;
        const int Tables = 24;
        var size = Stride * Tables;
        using var raw = Exploration.RawBase((int)(size / 512 / 2));
        var disk = Exploration.Create(size, 12, "raw");
        var files = new ModelFiles().Add(Exploration.ImagePath, disk).Add(Exploration.BasePath, raw);
        var cache = new CacheBudget(cacheBytes);
        using var image = Qcow2Image.Open(new ImageOpenOptions
        {
            Path = Exploration.ImagePath,
            Access = ImageAccess.ReadWrite,
            Files = files,
            Backings = new BackingImages(files, cache),
            Cache = cache,
        });
        var expected = new ulong[size / 512];
        for (var sector = 0; sector < expected.Length / 2; sector++) expected[sector] = Exploration.BaseStamp(sector);
        var operations = 0L;
        using (var owner = new ThreadedOwner(image.Writer!, workers: 3))
        {
            var started = Stopwatch.GetTimestamp();
            var seeds = Enumerable.Range(0, Callers).Select(_ => random.Next()).ToArray();
            var callers = Enumerable.Range(0, Callers).Select(caller => Task.Factory.StartNew(() =>
            {
                var own = new RandomSource(static _ => { }, seeds[caller]);
                for (var generation = 1; Stopwatch.GetElapsedTime(started) < Duration; generation++)
                {
                    One(image, owner, expected, own, caller, generation, (int)(Stride / 512), Tables);
                    Interlocked.Increment(ref operations);
                }
            }, TaskCreationOptions.LongRunning)).ToArray();
            await Task.WhenAll(callers);
            owner.Close(CloseMode.Commit);
        }
        output.WriteLine($"{operations} operations");
        Assert.Null(image.Writer!.Fault);
        image.Dispose();
        var fsck = new Fsck(disk);
        fsck.AssertNoErrors(() => "after the close");
        Assert.Equal(0, fsck.Leaks);
        for (var sector = 0; sector < expected.Length; sector++)
        {
            var found = fsck.ReadSector(sector * 512L) is { } content ? BitConverter.ToUInt64(content) : sector < expected.Length / 2 ? Exploration.BaseStamp(sector) : 0;
            Assert.True(found == expected[sector], $"sector {sector}: {found:x} for {expected[sector]:x}");
        }
    }

    private static void One(Qcow2Image image, ThreadedOwner owner, ulong[] expected, RandomSource random, int caller, int generation, int stride, int tables)
    {
        var table = random.Next(tables) * stride;
        int sector, count;
        if (random.Once(2))
        {
            sector = table + random.Next(SharedClusters) * ClusterSectors + caller * 2;
            count = 1 + random.Next(2);
        }
        else
        {
            sector = table + (SharedClusters + caller * OwnClusters + random.Next(OwnClusters)) * ClusterSectors;
            count = Math.Min(random.Pick(1, 5, ClusterSectors, 2 * ClusterSectors), (SharedClusters + (caller + 1) * OwnClusters) * ClusterSectors + table - sector);
        }
        switch (random.Next(10))
        {
            case 0 when random.Once(10):
                var flush = new ModelFlush();
                Assert.Null(owner.Do(flush, flush.Outcome));
                break;
            case 1 or 2:
                var zero = new ModelZero(sector * 512L, count * 512L, random.Pick(ZeroSpace.Free, ZeroSpace.Keep));
                Assert.Null(owner.Do(zero, zero.Outcome));
                expected.AsSpan(sector, count).Clear();
                break;
            case 3 or 4 or 5 or 6:
                var data = new byte[count * 512];
                for (var index = 0; index < count; index++)
                {
                    expected[sector + index] = StampModel.Stamp(sector + index, generation * Callers + caller);
                    StampModel.Fill(data.AsSpan(index * 512, 512), expected[sector + index]);
                }
                if (image.TryWrite(sector * 512L, data)) break;
                var write = new ModelWrite(sector * 512L, data);
                Assert.Null(owner.Do(write, write.Outcome));
                break;
        }
        var read = new byte[count * 512];
        if (!image.TryRead(sector * 512L, read)) image.Read(sector * 512L, read);
        for (var index = 0; index < count; index++)
        {
            var words = MemoryMarshal.Cast<byte, ulong>(read.AsSpan(index * 512, 512));
            Assert.True(!words.ContainsAnyExcept(expected[sector + index]), $"sector {sector + index}: {words[0]:x} .. {words[^1]:x} for {expected[sector + index]:x}");
        }
    }
}
