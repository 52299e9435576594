using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>
/// Random writes, zeroings, flushes and reads, many under way at once in random interleavings, against a byte array; then the file, against
/// qemu-img. Requests that run together never overlap in bytes (their order would be anybody's), but share clusters all the time.
/// </summary>
[Trait("Length", "Long")]
public sealed class WriterDifferentialTests(ITestOutputHelper output)
{
    public static TheoryData<int, string, string?> Images => new()
    {
        { 9, "compat=1.1", null },
        { 9, "compat=1.1", "qcow2" },
        { 12, "compat=1.1", null },
        { 12, "compat=0.10", null },
        { 12, "compat=0.10", "raw" },
        { 12, "compat=1.1", "raw" },
        { 16, "compat=1.1", null },
        { 16, "compat=1.1", "qcow2" },
        { 16, "compat=0.10", "qcow2" },
        { 16, "compat=1.1", "compressed" },
        { 16, "compat=0.10", "compressed" },
        { 9, "compat=1.1", "compressed" },
        { 16, "compression_type=zstd", "compressed" },
        { 9, "compression_type=zstd", "compressed" },
        { 12, "refcount_bits=1", "compressed" },
        { 21, "compat=1.1", "qcow2" },
        { 14, "extended_l2=on", null },
        { 14, "extended_l2=on", "raw" },
        { 15, "extended_l2=on", "compressed" },
        { 16, "extended_l2=on", "qcow2" },
        { 16, "extended_l2=on,preallocation=metadata", "raw" },
        { 21, "extended_l2=on", "qcow2" },
    };

    [Theory]
    [MemberData(nameof(Images))]
    public void Whatever_the_interleaving_the_disk_is_what_was_written(int clusterBits, string options, string? backing)
    {
        var random = new RandomSource(output.WriteLine);
        var size = (clusterBits == 21 ? 24 << 20 : 6 << 20) - (random.Next(64) * 512);
        using var directory = new TempDirectory();
        var images = new TestImages { Cache = new CacheBudget(64 << 10) };
        var model = MakeImage(images, directory, random, size, clusterBits, options, backing);
        for (var round = 0; round < 2; round++)
        {
            var driver = images.Drive("t", random);
            Assert.Equal(model, TestImages.ReadAll(driver.Image));
            driver.Writer.RefillClusters = random.Pick(3, 1024);
            new Workload(driver, model, random).Run(steps: 1500);
            driver.Close();
            Assert.Equal(0, images.Cache.UsedBytes);
            Assert.Equal(0, images.Files.OpenCount);
            using var reopened = images.Open("t", ImageAccess.ReadOnly);
            Workload.AssertSame(model, TestImages.ReadAll(reopened));
        }
        ((MemoryBlockFile)images.Files["t"]).SaveTo(directory["t.qcow2"]);
        TestImages.AssertChecked(directory["t.qcow2"], CheckVerdict.Clean);
        File.WriteAllBytes(directory["model.raw"], model);
        Assert.True(QemuImg.Compare(directory["t.qcow2"], "qcow2", directory["model.raw"], "raw"));
    }

    private static byte[] MakeImage(TestImages images, TempDirectory directory, RandomSource random, int size, int clusterBits, string options, string? backing)
    {
        var model = new byte[size];
        var clusters = $"cluster_size={1 << clusterBits}";
        if (backing == "compressed")
        {
            // Text-like content, so that streams are short and share host clusters.
            for (var i = 0; i < model.Length; i++) model[i] = (byte)(i / 3000 * 7 + (random.Next(16) == 0 ? 1 : 0));
            File.WriteAllBytes(directory["source.raw"], model);
            QemuImg.Convert(directory["source.raw"], "raw", directory["t.qcow2"], "qcow2", "-c", "-o", $"{options},{clusters}");
        }
        else if (backing is not null)
        {
            var baseSize = size + (random.Next(-4, 4) * 100_000) & ~511;
            var content = random.Bytes(baseSize);
            content.AsSpan(baseSize / 3, baseSize / 3).Clear();
            File.WriteAllBytes(directory["source.raw"], content);
            if (backing == "raw") File.Copy(directory["source.raw"], directory["base"]);
            else QemuImg.Convert(directory["source.raw"], "raw", directory["base"], "qcow2", "-o", "cluster_size=4096");
            QemuImg.CreateOverlay(directory["t.qcow2"], "base", backing, size, options, clusters);
            images.Files["base"] = MemoryBlockFile.LoadFrom(directory["base"]);
            content.AsSpan(0, Math.Min(size, baseSize)).CopyTo(model);
        }
        else
        {
            QemuImg.Create(directory["t.qcow2"], size, options, clusters);
        }
        images.Files["t"] = MemoryBlockFile.LoadFrom(directory["t.qcow2"]);
        return model;
    }
}
