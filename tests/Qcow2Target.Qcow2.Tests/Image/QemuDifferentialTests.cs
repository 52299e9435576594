using System.Globalization;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>
/// The same random operations on two copies of an image, one written by us and one by qemu-io: after each hundred the guest sees the same
/// in both, and qemu-img finds both clean. What the image is like is chosen by the seed. QCOW2TARGET_QEMU_ROUNDS sets how many images.
/// </summary>
public sealed class QemuDifferentialTests(ITestOutputHelper output) : IDisposable
{
    private const int Batches = 2, BatchOperations = 100, MaxBytes = 150_000;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_we_write_and_what_QEMU_writes_is_the_same_to_the_guest()
    {
        var rounds = int.TryParse(Environment.GetEnvironmentVariable("QCOW2TARGET_QEMU_ROUNDS"), CultureInfo.InvariantCulture, out var told) ? told : 3;
        var first = new RandomSource(output.WriteLine).Seed;
        for (var round = 0; round < rounds; round++) Run(new RandomSource(output.WriteLine, unchecked(first + round)));
    }

    private void Run(RandomSource random)
    {
        var size = random.Next(400, 3000) * 512L;
        var kind = Make(random, size);
        output.WriteLine(kind);
        for (var batch = 0; batch < Batches; batch++)
        {
            var operations = Enumerable.Range(0, BatchOperations).Select(_ => Operation.Next(random, size)).ToList();
            var images = new TestImages { Cache = new CacheBudget(64 << 10) };
            images.Files["ours"] = MemoryBlockFile.LoadFrom(_directory["ours"]);
            if (File.Exists(_directory["base"])) images.Files["base"] = MemoryBlockFile.LoadFrom(_directory["base"]);
            var driver = images.Drive("ours", random);
            driver.Writer.RefillClusters = random.Pick(4, 1024);
            foreach (var operation in operations) operation.Apply(driver);
            driver.Close();
            ((MemoryBlockFile)images.Files["ours"]).SaveTo(_directory["ours"]);
            // One process for the whole batch.
            QemuImg.IoWith(["-f", "qcow2", "-d", "unmap"], _directory["theirs"], [.. operations.Select(operation => operation.Command)]).EnsureSuccess();

            Assert.True(QemuImg.Compare(_directory["ours"], "qcow2", _directory["theirs"], "qcow2"), $"{kind}, batch {batch}");
            TestImages.AssertChecked(_directory["ours"], CheckVerdict.Clean);
            TestImages.AssertChecked(_directory["theirs"], CheckVerdict.Clean);
        }
    }

    private string Make(RandomSource random, long size)
    {
        foreach (var old in Directory.GetFiles(_directory.Path)) File.Delete(old);
        var isExtended = random.Once(3);
        var hasBase = random.Once(2);
        var clusterBits = isExtended ? random.Next(14, 18) : random.Pick(9, 10, 12, 14, 16, 17);
        var refcountBits = random.Pick(1, 2, 4, 8, 16, 32, 64);
        var hasSnapshot = refcountBits > 1 && random.Once(3);
        List<string> options = [$"cluster_size={1 << clusterBits}", $"refcount_bits={refcountBits}", $"extended_l2={(isExtended ? "on" : "off")}"];
        if (!isExtended && refcountBits == 16 && random.Once(3)) options = [$"cluster_size={1 << clusterBits}", "compat=0.10"];
        if (hasBase)
        {
            File.WriteAllBytes(_directory["base"], random.Bytes((int)Math.Max(512, size + (random.Next(-300, 300) * 512L))));
            QemuImg.CreateOverlay(_directory["ours"], "base", "raw", size, [.. options]);
        }
        else
        {
            QemuImg.Create(_directory["ours"], size, [.. options]);
        }
        QemuImg.Io(_directory["ours"], [.. Enumerable.Range(0, 20).Select(_ => Operation.Next(random, size)).Where(operation => operation.IsWrite).Select(operation => operation.Command)]).EnsureSuccess();
        if (hasSnapshot) QemuImg.Run("snapshot", "-c", "one", _directory["ours"]).EnsureSuccess();
        File.Copy(_directory["ours"], _directory["theirs"]);
        return $"{size} bytes, {string.Join(", ", options)}{(hasBase ? ", over a base" : "")}{(hasSnapshot ? ", with a snapshot" : "")}";
    }

    /// <summary>Bytes of one value, or zeros: as a request of ours and as a command of qemu-io.</summary>
    private sealed record Operation(long Offset, int Length, byte Pattern, ZeroSpace? Zeroes)
    {
        public bool IsWrite => Zeroes is null;

        public string Command => Zeroes switch
        {
            null => $"write -q -P {Pattern} {Offset} {Length}",
            ZeroSpace.Free => $"write -q -z -u {Offset} {Length}",
            _ => $"write -q -z {Offset} {Length}",
        };

        public static Operation Next(RandomSource random, long size)
        {
            var offset = random.NextInt64(size / 512) * 512;
            var length = random.Once(8) ? random.Next(1, MaxBytes) : random.Next(1, 20_000);
            length = (int)Math.Min(size - offset, (length + 511) & ~511);
            ZeroSpace? zeroes = random.Next(4) switch { 0 => ZeroSpace.Free, 1 => ZeroSpace.Keep, _ => null };
            // Whole clusters of all sizes now and then.
            if (random.Once(4)) (offset, length) = (offset & ~0x3fff, (int)Math.Min(size - (offset & ~0x3fff), random.Pick(1, 2, 5) * 0x4000));
            return new Operation(offset, length, (byte)random.Next(1, 256), zeroes);
        }

        public void Apply(WriterDriver driver)
        {
            if (Zeroes is { } space)
            {
                var outcome = driver.Zero(Offset, Length, space);
                driver.RunAll();
                Assert.True(outcome.Succeeded, outcome.Fault?.Message);
                return;
            }
            var data = new byte[Length];
            data.AsSpan().Fill(Pattern);
            driver.WriteThrough(Offset, data);
        }
    }
}
