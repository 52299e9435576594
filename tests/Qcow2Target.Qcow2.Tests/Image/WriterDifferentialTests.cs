using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>
/// Random writes, zeroings, flushes and reads, many under way at once in random interleavings, against a byte array; then the file, against
/// qemu-img. Requests that run together never overlap in bytes (their order would be anybody's), but share clusters all the time.
/// </summary>
public sealed class WriterDifferentialTests(ITestOutputHelper output)
{
    public static TheoryData<int, int, string?> Images => new()
    {
        { 9, 3, null },
        { 9, 3, "qcow2" },
        { 12, 3, null },
        { 12, 2, null },
        { 12, 2, "raw" },
        { 12, 3, "raw" },
        { 16, 3, null },
        { 16, 3, "qcow2" },
        { 16, 2, "qcow2" },
        { 16, 3, "compressed" },
        { 16, 2, "compressed" },
        { 21, 3, "qcow2" },
    };

    [Theory]
    [MemberData(nameof(Images))]
    public void Whatever_the_interleaving_the_disk_is_what_was_written(int clusterBits, int version, string? backing)
    {
        var random = new RandomSource(output.WriteLine);
        var size = (clusterBits == 21 ? 24 << 20 : 6 << 20) - (random.Next(64) * 512);
        using var directory = new TempDirectory();
        var images = new TestImages { Cache = new CacheBudget(64 << 10) };
        var model = MakeImage(images, directory, random, size, clusterBits, version, backing);
        for (var round = 0; round < 2; round++)
        {
            var driver = images.Drive("t", random);
            Assert.Equal(model, TestImages.ReadAll(driver.Image));
            new Workload(driver, model, random).Run(steps: 1500);
            driver.Close();
            Assert.Equal(0, images.Cache.UsedBytes);
            Assert.Equal(0, images.Files.OpenCount);
            using var reopened = images.Open("t", ImageAccess.ReadOnly);
            AssertSame(model, TestImages.ReadAll(reopened));
        }
        ((MemoryBlockFile)images.Files["t"]).SaveTo(directory["t.qcow2"]);
        TestImages.AssertChecked(directory["t.qcow2"], CheckVerdict.Clean);
        File.WriteAllBytes(directory["model.raw"], model);
        Assert.True(QemuImg.Compare(directory["t.qcow2"], "qcow2", directory["model.raw"], "raw"));
    }

    private static byte[] MakeImage(TestImages images, TempDirectory directory, RandomSource random, int size, int clusterBits, int version, string? backing)
    {
        var model = new byte[size];
        var compat = version == 2 ? "compat=0.10" : "compat=1.1";
        var clusters = $"cluster_size={1 << clusterBits}";
        if (backing == "compressed")
        {
            // Text-like content, so that streams are short and share host clusters.
            for (var i = 0; i < model.Length; i++) model[i] = (byte)(i / 3000 * 7 + (random.Next(16) == 0 ? 1 : 0));
            File.WriteAllBytes(directory["source.raw"], model);
            QemuImg.Convert(directory["source.raw"], "raw", directory["t.qcow2"], "qcow2", "-c", "-o", $"{compat},{clusters}");
        }
        else if (backing is not null)
        {
            var baseSize = size + (random.Next(-4, 4) * 100_000) & ~511;
            var content = random.Bytes(baseSize);
            content.AsSpan(baseSize / 3, baseSize / 3).Clear();
            File.WriteAllBytes(directory["source.raw"], content);
            if (backing == "raw") File.Copy(directory["source.raw"], directory["base"]);
            else QemuImg.Convert(directory["source.raw"], "raw", directory["base"], "qcow2", "-o", "cluster_size=4096");
            QemuImg.CreateOverlay(directory["t.qcow2"], "base", backing, size, compat, clusters);
            images.Files["base"] = MemoryBlockFile.LoadFrom(directory["base"]);
            content.AsSpan(0, Math.Min(size, baseSize)).CopyTo(model);
        }
        else
        {
            QemuImg.Create(directory["t.qcow2"], size, compat, clusters);
        }
        images.Files["t"] = MemoryBlockFile.LoadFrom(directory["t.qcow2"]);
        return model;
    }

    private static void AssertSame(byte[] expected, byte[] actual)
    {
        var differs = expected.AsSpan().CommonPrefixLength(actual);
        Assert.True(differs == expected.Length, $"differs at 0x{differs:x}");
    }

    /// <summary>Requests on a driver and the bytes they should lead to.</summary>
    private sealed class Workload(WriterDriver driver, byte[] model, RandomSource random)
    {
        private readonly List<(int Start, int End)> _underWay = [];

        internal void Run(int steps)
        {
            for (var step = 0; step < steps; step++)
            {
                switch (random.Next(12))
                {
                    case 0: Zero(); break;
                    case 1 or 2 or 3: Write(); break;
                    case 4: Flush(); break;
                    case 5: Read(); break;
                    default: driver.Turn(); break;
                }
            }
            driver.RunAll();
            Assert.Empty(_underWay);
        }

        private void Write()
        {
            if (!Choose(random.Once(20) ? 1 << 20 : 40_000, out var start, out var length)) return;
            var data = random.Bytes(length);
            if (random.Once(2) && driver.Image.TryWrite(start, data))
            {
                data.CopyTo(model, start);
                return;
            }
            // A try that says no may have written a part; the request writes all of it.
            Begin(start, length, driver.Write(start, data), () => data.CopyTo(model, start));
        }

        private void Zero()
        {
            if (!Choose(random.Once(4) ? 3 << 20 : 300_000, out var start, out var length)) return;
            var space = random.Pick(ZeroSpace.Keep, ZeroSpace.Free);
            Begin(start, length, driver.Zero(start, length, space), () => model.AsSpan(start, length).Clear());
        }

        private void Flush()
        {
            var outcome = driver.Flush();
            outcome.Then = fault => Assert.Null(fault);
        }

        private void Read()
        {
            if (!Choose(200_000, out var start, out var length)) return;
            var read = new byte[length];
            if (random.Once(2) || !driver.Image.TryRead(start, read)) driver.Image.Read(start, read);
            AssertSame(model.AsSpan(start, length).ToArray(), read);
        }

        private void Begin(int start, int length, Outcome outcome, Action apply)
        {
            var range = (start, start + length);
            _underWay.Add(range);
            outcome.Then = fault =>
            {
                Assert.Null(fault);
                Assert.True(_underWay.Remove(range));
                apply();
            };
        }

        private bool Choose(int most, out int start, out int length)
        {
            // Sectors mostly, now and then any bytes; the ends of the disk more often than chance has them.
            start = random.Next(model.Length);
            length = random.Next(1, most);
            if (!random.Once(5)) (start, length) = (start & ~511, (length + 511) & ~511);
            if (random.Once(20)) start = Math.Max(0, model.Length - length);
            length = Math.Min(length, model.Length - start);
            foreach (var (from, to) in _underWay)
                if (start < to && start + length > from) return false;
            return true;
        }
    }
}
