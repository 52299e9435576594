using System.Diagnostics;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>The paths that answer at once: no allocation, and not much on top of the file's own time.</summary>
public sealed class QuickPathTests(ITestOutputHelper output)
{
    private const int Block = 4096;

    [Fact]
    public void A_read_or_in_place_write_of_a_cached_cluster_allocates_nothing()
    {
        var images = new TestImages();
        images.Create("base", new ImageCreateOptions { VirtualSize = 16 << 20 });
        images.Create("t", new ImageCreateOptions { VirtualSize = 16 << 20, BackingName = "base", BackingFormat = "qcow2" });
        images.Files["t"] = new ConstantFile(images.Files["t"]);
        var driver = images.Drive("t");
        driver.WriteThrough(0, new byte[1 << 20]);
        var buffer = new byte[Block];
        driver.Image.Read(2 << 20, buffer);

        const int Times = 2000;
        Run(driver.Image, buffer, 20_000);
        var best = double.MaxValue;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var batch = 0; batch < 20; batch++)
        {
            var started = Stopwatch.GetTimestamp();
            Run(driver.Image, buffer, Times);
            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalNanoseconds / (Times * 3));
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        // Told, not judged: the machine that runs the tests may be busy.
        output.WriteLine($"{best:0} ns for each read or write");
        driver.Close();
    }

    private static void Run(Qcow2Image image, byte[] buffer, int times)
    {
        for (var i = 0; i < times; i++)
        {
            var offset = (long)(i * 7919 % 256) * Block;
            if (!image.TryRead(offset, buffer)) throw new InvalidOperationException("not read at once");
            if (!image.TryWrite(offset, buffer)) throw new InvalidOperationException("not written at once");
            if (!image.TryRead((2 << 20) + offset, buffer)) throw new InvalidOperationException("hole not read at once");
        }
    }

    /// <summary>Data cost nothing here: what is measured is the image.</summary>
    private sealed class ConstantFile(IBlockFile metadata) : IBlockFile
    {
        public long Length => metadata.Length;

        public bool TryRead(long offset, Span<byte> destination) => true;

        public void Read(long offset, Span<byte> destination) => metadata.Read(offset, destination);

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            if (source.Length != Block) metadata.Write(offset, source);
        }

        public bool Punch(long offset, long length) => metadata.Punch(offset, length);

        public void Sync() => metadata.Sync();

        public void Dispose() => metadata.Dispose();
    }
}
