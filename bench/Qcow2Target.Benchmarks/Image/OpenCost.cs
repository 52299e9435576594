using System.Diagnostics;
using System.Globalization;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;

namespace Qcow2Target.Benchmarks.Image;

/// <summary>
/// What opening a large image for writing costs: <c>open-cost [DIRECTORY]</c> makes a sparse one there (1 TiB, 100 GiB of it mapped, clusters of
/// 64 KiB; about 17 MiB on disk) and prints the time and allocation of the opening, of the first read, and of the scan behind it.
/// </summary>
internal static class OpenCost
{
    private const int Rounds = 9;

    internal static void Run(string parent)
    {
        var directory = Directory.CreateDirectory(Path.Combine(parent, $"qcow2target-bench-{Environment.ProcessId}")).FullName;
        try
        {
            var path = Path.Combine(directory, "t.qcow2");
            File.WriteAllBytes(path, []);
            var files = new RootedImageFiles([directory], []);
            using (var made = files.Open(path, ImageRole.ActiveReadWrite)) SparseImage.Write(made.File, 1L << 40, 100L << 30);
            var rounds = Enumerable.Range(0, Rounds + 1).Select(_ => Measure(files, path)).Skip(1).ToList();
            Print("open, nothing scanned", rounds.Select(round => round.Open));
            Print("first read after it", rounds.Select(round => round.Read));
            Print("scan of all metadata", rounds.Select(round => round.Scan));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"allocated by the opening  {rounds.Max(round => round.OpenBytes) / 1024.0:0} KiB"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"allocated by the scan     {rounds.Max(round => round.ScanBytes) / 1048576.0:0.0} MiB"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static Round Measure(RootedImageFiles files, string path)
    {
        var cache = new CacheBudget(64 << 20);
        var options = new ImageOpenOptions { Path = path, Access = ImageAccess.ReadWrite, Files = files, Backings = new BackingImages(files, cache), Cache = cache, ScanTime = TimeSpan.Zero };
        var bytes = GC.GetAllocatedBytesForCurrentThread();
        var begun = Stopwatch.GetTimestamp();
        using var image = Qcow2Image.Open(options);
        var opened = Stopwatch.GetTimestamp();
        var openBytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        image.Read(50L << 30, new byte[4096]);
        var read = Stopwatch.GetTimestamp();

        var writer = image.Writer!;
        writer.Drain();
        bytes = GC.GetAllocatedBytesForCurrentThread();
        var scanned = Stopwatch.GetTimestamp();
        while (writer.TryTakeWork(out var work))
        {
            work.Execute();
            writer.WorkDone(work);
            writer.Drain();
        }
        var done = Stopwatch.GetTimestamp();
        if (writer.Fault is { } fault) throw new InvalidOperationException(fault.Message);
        return new Round(Stopwatch.GetElapsedTime(begun, opened), Stopwatch.GetElapsedTime(opened, read), Stopwatch.GetElapsedTime(scanned, done), openBytes, GC.GetAllocatedBytesForCurrentThread() - bytes);
    }

    private static void Print(string what, IEnumerable<TimeSpan> times)
    {
        var sorted = times.Order().ToList();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-25} {sorted[sorted.Count / 2].TotalMilliseconds:0.00} ms (median; {sorted[0].TotalMilliseconds:0.00} to {sorted[^1].TotalMilliseconds:0.00})"));
    }

    private sealed record Round(TimeSpan Open, TimeSpan Read, TimeSpan Scan, long OpenBytes, long ScanBytes);
}
