using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>
/// Records everything that a random workload writes, cuts the power at every kind of moment with a random part of what was not synced on disk,
/// and opens what is left: it opens for writing (the structure scan finds no contradiction), what was flushed is there, and no sector shows
/// anything but what it held then or was written to it later.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    private const int Sector = 512;
    private const int Sectors = 2048;

    public static TheoryData<int, string, Start> Images => new()
    {
        { 9, "compat=1.1", Start.Empty },
        { 9, "compat=1.1", Start.Overlay },
        { 9, "compat=1.1", Start.RefcountTableAlmostFull },
        { 12, "compat=1.1", Start.Overlay },
        { 12, "compat=0.10", Start.Overlay },
        { 12, "compat=0.10", Start.Empty },
        { 16, "compat=1.1", Start.Overlay },
        { 16, "compat=1.1", Start.Empty },
        { 14, "extended_l2=on", Start.Overlay },
        { 14, "extended_l2=on", Start.Empty },
        { 16, "extended_l2=on,preallocation=metadata", Start.Overlay },
    };

    /// <summary>What the image is like before it is worked on.</summary>
    public enum Start
    {
        Empty,
        Overlay,

        /// <summary>A little more, and the refcount table has to move to a larger place.</summary>
        RefcountTableAlmostFull,
    }

    [Theory]
    [MemberData(nameof(Images))]
    public void After_a_power_cut_what_was_flushed_is_there_and_nothing_is_worse_than_leaked(int clusterBits, string format, Start start)
    {
        var random = new RandomSource(output.WriteLine);
        var initial = Make(clusterBits, format, start, out var backing);
        var recording = new RecordingBlockFile(initial);
        var history = new History(start == Start.Overlay);
        var images = Holding(recording, backing);
        var driver = images.Drive("t", random);
        driver.Writer.RefillClusters = random.Pick(2, 8, 1024);
        Work(driver, recording, history, random, steps: 900);
        driver.Close();
        var end = recording.Position;
        Assert.Equal(start == Start.RefcountTableAlmostFull, recording.Log.Any(operation => operation is { Operation: BlockOperation.Write, Offset: 48, Length: 12 }));
        output.WriteLine($"{end} operations, {recording.Log.Count(operation => operation.Operation == BlockOperation.Sync)} syncs");

        for (var cut = 0; cut < 100; cut++)
        {
            var position = cut == 0 ? end : random.Next(end + 1);
            var disk = cut % 4 == 3 ? recording.AfterKill(position) : recording.AfterPowerCut(position, RecordingBlockFile.RandomFate(random));
            if (cut % 33 == 1) TestImages.AssertChecked(disk, CheckVerdict.Clean, CheckVerdict.LeaksOnly);
            var after = Holding(disk, backing);
            var reopened = after.Drive("t");
            history.AssertAllowed(TestImages.ReadAll(reopened.Image), position);
            if (cut % 16 != 2) continue;

            // What was leaked is taken into use again, and after a clean close nothing is left of the accident.
            var sector = new byte[Sector];
            reopened.WriteThrough(0, sector);
            reopened.Close();
            TestImages.AssertChecked(disk, CheckVerdict.Clean);
        }
    }

    private static TestImages Holding(IBlockFile file, MemoryBlockFile? backing)
    {
        var images = new TestImages();
        images.Files["t"] = file;
        if (backing is not null) images.Files["base"] = backing;
        return images;
    }

    private static MemoryBlockFile Make(int clusterBits, string format, Start start, out MemoryBlockFile? backing)
    {
        using var directory = new TempDirectory();
        backing = null;
        string[] options = [format, $"cluster_size={1 << clusterBits}"];
        if (start == Start.RefcountTableAlmostFull)
        {
            QemuImg.Create(directory["t"], 16 << 20, options);
            QemuImg.Io(directory["t"], "write -P 3 4M 7500k").EnsureSuccess();
        }
        else if (start == Start.Empty)
        {
            QemuImg.Create(directory["t"], Sectors * Sector, options);
        }
        else
        {
            var content = new byte[Sectors * Sector];
            for (var sector = 0; sector < Sectors; sector++) History.Fill(content.AsSpan(sector * Sector, Sector), sector, History.BackingGeneration);
            backing = new MemoryBlockFile(content);
            File.WriteAllBytes(directory["base"], content);
            QemuImg.CreateOverlay(directory["t"], "base", "raw", null, options);
        }
        return MemoryBlockFile.LoadFrom(directory["t"]);
    }

    private static void Work(WriterDriver driver, RecordingBlockFile recording, History history, RandomSource random, int steps)
    {
        var underWay = new List<(int Start, int End)>();
        for (var step = 0; step < steps; step++)
        {
            var kind = random.Next(14);
            if (kind > 4)
            {
                driver.Turn();
                continue;
            }
            if (kind == 4)
            {
                var covered = history.Completed();
                driver.Flush().Then = fault =>
                {
                    Assert.Null(fault);
                    history.Flushed(covered, recording.Position);
                };
                continue;
            }
            var start = random.Next(Sectors);
            var count = Math.Min(random.Next(1, kind == 0 ? 400 : 40), Sectors - start);
            if (underWay.Any(range => start < range.End && start + count > range.Start)) continue;
            var generation = kind == 0 ? History.Zeros : history.NextGeneration();
            history.Begin(start, count, generation, recording.Position);
            var data = new byte[count * Sector];
            if (kind != 0)
            {
                for (var i = 0; i < count; i++) History.Fill(data.AsSpan(i * Sector, Sector), start + i, generation);
                if (random.Once(2) && driver.Image.TryWrite((long)start * Sector, data))
                {
                    history.End(start, count);
                    continue;
                }
            }
            var range = (start, start + count);
            underWay.Add(range);
            var space = random.Pick(ZeroSpace.Keep, ZeroSpace.Free);
            var outcome = kind == 0 ? driver.Zero((long)start * Sector, (long)count * Sector, space) : driver.Write((long)start * Sector, data);
            outcome.Then = fault =>
            {
                Assert.Null(fault);
                underWay.Remove(range);
                history.End(start, count);
            };
        }
        driver.RunAll();
    }

    /// <summary>What each sector was made to hold, in order, and which of it had to be durable from when on.</summary>
    private sealed class History
    {
        internal const long Zeros = 0;
        internal const long BackingGeneration = -1;

        private readonly List<(long Generation, int Position)>[] _written = new List<(long, int)>[Sectors];
        private readonly int[] _completed = new int[Sectors];
        private readonly List<(int Position, int[] Least)> _flushes = [];
        private long _generation;

        internal History(bool overlay)
        {
            for (var sector = 0; sector < Sectors; sector++) _written[sector] = [(overlay ? BackingGeneration : Zeros, 0)];
        }

        internal static void Fill(Span<byte> bytes, int sector, long generation)
        {
            BitConverter.TryWriteBytes(bytes, generation);
            BitConverter.TryWriteBytes(bytes[8..], sector);
            bytes[12..].Fill((byte)(generation * 31 + sector));
        }

        internal long NextGeneration() => ++_generation;

        internal void Begin(int start, int count, long generation, int position)
        {
            for (var sector = start; sector < start + count; sector++) _written[sector].Add((generation, position));
        }

        internal void End(int start, int count)
        {
            for (var sector = start; sector < start + count; sector++) _completed[sector] = _written[sector].Count - 1;
        }

        internal int[] Completed() => [.. _completed];

        internal void Flushed(int[] covered, int position) => _flushes.Add((position, covered));

        internal void AssertAllowed(byte[] content, int position)
        {
            var least = new int[Sectors];
            foreach (var flush in _flushes)
                if (flush.Position <= position)
                    for (var sector = 0; sector < Sectors; sector++) least[sector] = Math.Max(least[sector], flush.Least[sector]);
            for (var sector = 0; sector < Sectors; sector++)
            {
                var bytes = content.AsSpan(sector * Sector, Sector);
                var allowed = false;
                var expected = new byte[Sector];
                for (var i = least[sector]; i < _written[sector].Count && !allowed; i++)
                {
                    var (generation, begun) = _written[sector][i];
                    if (begun > position) break;
                    expected.AsSpan().Clear();
                    if (generation != Zeros) Fill(expected, sector, generation);
                    allowed = bytes.SequenceEqual(expected);
                }
                Assert.True(allowed, $"cut at {position}: sector {sector} holds generation {BitConverter.ToInt64(bytes)} of sector {BitConverter.ToInt32(bytes[8..])}; allowed are {string.Join(", ", _written[sector].Skip(least[sector]).TakeWhile(entry => entry.Position <= position))}");
            }
        }
    }
}
