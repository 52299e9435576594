using System.Diagnostics;
using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Qcow2.Tests.Image;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Hostile;

/// <summary>How an image ended.</summary>
internal enum Ending
{
    /// <summary>Refused both ways, with a typed reason.</summary>
    Refused,

    /// <summary>Read, and refused for writing with a typed reason.</summary>
    ReadOnly,

    /// <summary>Read and written.</summary>
    Writable,
}

/// <param name="Reason">Of the refusal, or null.</param>
/// <param name="Faults">Reads and writes that ended in a typed fault.</param>
/// <param name="Opens">Times the image was opened, or tried to be.</param>
internal sealed record ProbeResult(Ending Ending, string? Reason, int Faults, int Opens, TimeSpan Took, long Allocated);

/// <summary>
/// Opens an image that may be anything, reads it, writes to it, and opens it again: whatever it is, each step ends in bytes or in a typed
/// reason, what was written is there, what was not is as before, and no file is opened but the image and its known base.
/// </summary>
internal sealed class HostileProbe
{
    /// <summary>What one image may cost.</summary>
    public static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(1);

    public const long MemoryLimit = 256 << 20;

    private const int PieceBytes = 4096;

    private readonly TestImages _images = new() { Cache = new CacheBudget(1 << 20) };
    private readonly Random _random;
    private int _faults;
    private int _opens;

    private HostileProbe(BentImage image, Random random)
    {
        _random = random;
        _images.Files["t"] = image.ToFile();
        _images.Files[SeedImages.Base] = new MemoryBlockFile(SeedImages.All[SeedImages.Base]);
    }

    /// <summary>Probes within the limits. What seems to hang on a busy machine is tried again: the least of three counts.</summary>
    public static ProbeResult Run(BentImage image, int seed)
    {
        ProbeResult? best = null;
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var started = Stopwatch.GetTimestamp();
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            var probe = new HostileProbe(image, new Random(seed));
            var (ending, reason) = probe.Run();
            var result = new ProbeResult(
                ending, reason, probe._faults, probe._opens, Stopwatch.GetElapsedTime(started), GC.GetAllocatedBytesForCurrentThread() - allocated);
            if (best is null || result.Took < best.Took) best = result;
            if (best.Took < TimeLimit) break;
        }
        Assert.True(best!.Took < TimeLimit, $"took {best.Took}");
        Assert.True(best.Allocated < MemoryLimit, $"allocated {best.Allocated} bytes");
        return best;
    }

    private (Ending Ending, string? Reason) Run()
    {
        var refusal = TryOpen(ImageAccess.ReadOnly, out var image);
        if (image is null)
        {
            TryOpen(ImageAccess.ReadWrite, out var writable);
            Assert.True(writable is null, $"refused for reading ({refusal}), and not for writing");
            AssertNothingOpen();
            return (Ending.Refused, refusal);
        }
        using (image) ReadSome(image);
        AssertNothingOpen();

        refusal = TryOpen(ImageAccess.ReadWrite, out image);
        if (image is null)
        {
            AssertNothingOpen();
            return (Ending.ReadOnly, refusal);
        }
        WriteSome(image);
        AssertNothingOpen();
        return (Ending.Writable, null);
    }

    private string? TryOpen(ImageAccess access, out Qcow2Image? image)
    {
        _opens++;
        try
        {
            image = _images.Open("t", access);
            return null;
        }
        catch (Exception refusal) when (refusal is Qcow2FormatException or ImageFileException or BlockFileException or ImageFaultException)
        {
            image = null;
            return refusal.Message;
        }
    }

    private void ReadSome(Qcow2Image image)
    {
        foreach (var offset in Places(image)) TryRead(image, offset);
    }

    private List<long> Places(Qcow2Image image)
    {
        var last = Math.Max(0, image.Length - PieceBytes);
        var places = new List<long> { 0, last };
        for (var i = 0; i < 6; i++) places.Add(_random.NextInt64(Math.Min(last, 300 << 10) + 1) & ~511L);
        places.Add(_random.NextInt64(last + 1) & ~511L);
        return places;
    }

    // Null: a typed fault.
    private byte[]? TryRead(Qcow2Image image, long offset)
    {
        var bytes = new byte[Math.Min(PieceBytes, image.Length - offset)];
        try
        {
            if (_random.Next(2) == 0 || !image.TryRead(offset, bytes)) image.Read(offset, bytes);
            return bytes;
        }
        catch (ImageFaultException)
        {
            _faults++;
            return null;
        }
    }

    private void WriteSome(Qcow2Image image)
    {
        var driver = new WriterDriver(image);
        var places = Places(image).Distinct().ToList();
        var before = places.ToDictionary(place => place, place => TryRead(image, place));
        var changed = new List<(long Start, byte[] Data)>();
        for (var i = 0; i < 3; i++)
        {
            var start = places[_random.Next(places.Count)];
            var data = new byte[Math.Min(_random.Next(1, 3) * PieceBytes, image.Length - start)];
            var outcome = i == 2 ? driver.Zero(start, data.Length, ZeroSpace.Free) : Fill(driver, start, data);
            driver.RunAll();
            if (outcome.Succeeded) changed.Add((start, data));
            else _faults++;
            // A part of what failed may be there: nothing is known of these bytes.
            foreach (var place in places.Where(place => place < start + data.Length && place + PieceBytes > start)) before[place] = null;
            if (!outcome.Succeeded) changed.RemoveAll(change => change.Start < start + data.Length && change.Start + change.Data.Length > start);
        }
        var flush = driver.Flush();
        driver.RunAll();
        Assert.True(flush.IsCompleted);
        var fault = image.Writer!.Fault;
        driver.Close();
        if (fault is not null)
        {
            _faults++;
            return;
        }

        var refusal = TryOpen(ImageAccess.ReadWrite, out var again);
        Assert.True(again is not null, $"after it was written it is refused: {refusal}");
        foreach (var (place, bytes) in before)
        {
            if (bytes is null) continue;
            Assert.True(TryRead(again!, place) is { } now && now.AsSpan().SequenceEqual(bytes), $"bytes at 0x{place:x} that were not written have changed");
        }
        for (var i = 0; i < changed.Count; i++)
        {
            var (start, data) = changed[i];
            if (changed.Skip(i + 1).Any(later => later.Start < start + data.Length && later.Start + later.Data.Length > start)) continue;
            var now = new byte[data.Length];
            again!.Read(start, now);
            Assert.True(now.AsSpan().SequenceEqual(data), $"what was written at 0x{start:x} is not there");
        }
        new WriterDriver(again!).Close();
    }

    private Outcome Fill(WriterDriver driver, long start, byte[] data)
    {
        _random.NextBytes(data);
        return driver.Write(start, data);
    }

    private void AssertNothingOpen()
    {
        Assert.Equal(0, _images.Files.OpenCount);
        Assert.Equal(0, _images.Cache.UsedBytes);
    }
}
