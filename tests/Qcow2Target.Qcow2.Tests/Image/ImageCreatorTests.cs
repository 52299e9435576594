using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image;

[Trait("Length", "Long")]
public sealed class ImageCreatorTests
{
    [Theory]
    [InlineData(9, 1L << 20)]
    [InlineData(9, 16L << 30)]
    [InlineData(16, 512)]
    [InlineData(16, 1L << 50)]
    [InlineData(21, 1L << 40)]
    public void QEMU_finds_a_new_image_clean_and_of_the_size_asked_for(int clusterBits, long size)
    {
        using var directory = new TempDirectory();
        var file = new MemoryBlockFile();
        ImageCreator.Create(file, new ImageCreateOptions { VirtualSize = size, ClusterBits = clusterBits });
        file.SaveTo(directory["t.qcow2"]);
        TestImages.AssertChecked(directory["t.qcow2"], CheckVerdict.Clean);
        var info = QemuImg.Info(directory["t.qcow2"]);
        Assert.Equal(size, info.GetProperty("virtual-size").GetInt64());
        Assert.Equal(1 << clusterBits, info.GetProperty("cluster-size").GetInt32());
    }

    [Fact]
    public void QEMU_finds_the_base_of_a_new_overlay()
    {
        using var directory = new TempDirectory();
        QemuImg.Create(directory["base.qcow2"], 1 << 20);
        QemuImg.Io(directory["base.qcow2"], "write -P 7 0 1M").EnsureSuccess();
        var file = new MemoryBlockFile();
        ImageCreator.Create(file, new ImageCreateOptions { VirtualSize = 1 << 20, BackingName = "base.qcow2", BackingFormat = "qcow2" });
        file.SaveTo(directory["t.qcow2"]);
        QemuImg.Io(directory["t.qcow2"], "read -P 7 0 1M").EnsureSuccess();
        Assert.Equal("qcow2", QemuImg.Info(directory["t.qcow2"]).GetProperty("backing-filename-format").GetString());
    }

    public static TheoryData<int, int, L2Form, Preallocation, string?> Combinations
    {
        get
        {
            var data = new TheoryData<int, int, L2Form, Preallocation, string?>();
            foreach (var (clusterBits, refcountBits) in new[] { (9, 64), (14, 4), (16, 16), (21, 1) })
                foreach (var form in Enum.GetValues<L2Form>())
                    foreach (var preallocation in Enum.GetValues<Preallocation>())
                        foreach (var format in new[] { null, clusterBits == 16 ? "qcow2" : "raw" })
                            if (form == L2Form.Extended ? clusterBits >= 14 : preallocation == Preallocation.Off || format is null) data.Add(clusterBits, refcountBits, form, preallocation, format);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Combinations))]
    public void QEMU_agrees_on_every_combination_of_options_and_we_write_to_it(int clusterBits, int refcountBits, L2Form form, Preallocation preallocation, string? format)
    {
        const int size = (3 << 20) + 1536;
        var images = new TestImages();
        var content = new byte[size];
        if (format is not null) content.AsSpan(0, 1 << 20).Fill(0xb5);
        if (format == "raw") images.Files["base"] = new MemoryBlockFile(content);
        else if (format == "qcow2")
        {
            images.Create("base", new ImageCreateOptions { VirtualSize = size });
            var below = images.Drive("base");
            below.WriteThrough(0, content.AsMemory(0, 1 << 20));
            below.Close();
        }
        var file = images.Create("t", new ImageCreateOptions
        {
            VirtualSize = size,
            ClusterBits = clusterBits,
            RefcountBits = refcountBits,
            L2Form = form,
            Preallocation = preallocation,
            Refcounting = refcountBits == 16 ? RefcountDuty.Lazy : RefcountDuty.Strict,
            BackingName = format is null ? null : "base",
            BackingFormat = format,
        });
        using var directory = new TempDirectory();
        file.SaveTo(directory["t.qcow2"]);
        if (format is not null) ((MemoryBlockFile)images.Files["base"]).SaveTo(directory["base"]);
        TestImages.AssertChecked(directory["t.qcow2"], CheckVerdict.Clean);
        var info = QemuImg.Info(directory["t.qcow2"]);
        var specific = info.GetProperty("format-specific").GetProperty("data");
        Assert.Equal(size, info.GetProperty("virtual-size").GetInt64());
        Assert.Equal(1 << clusterBits, info.GetProperty("cluster-size").GetInt32());
        Assert.Equal(refcountBits, specific.GetProperty("refcount-bits").GetInt32());
        Assert.Equal(form == L2Form.Extended, specific.GetProperty("extended-l2").GetBoolean());
        Assert.Equal(refcountBits == 16, specific.GetProperty("lazy-refcounts").GetBoolean());
        Assert.Equal(format, info.TryGetProperty("backing-filename-format", out var declared) ? declared.GetString() : null);
        Assert.Equal(0, info.GetProperty("actual-size").GetInt64() / (6 << 20));

        var driver = images.Drive("t");
        Workload.AssertSame(content, TestImages.ReadAll(driver.Image));
        driver.WriteThrough(700_000, new byte[] { 1, 2, 3 });
        driver.WriteThrough(size - 1, new byte[] { 4 });
        (content[700_000], content[700_001], content[700_002], content[size - 1]) = (1, 2, 3, 4);
        driver.Close();
        file.SaveTo(directory["t.qcow2"]);
        TestImages.AssertChecked(directory["t.qcow2"], CheckVerdict.Clean);
        using var reopened = images.Open("t", ImageAccess.ReadOnly);
        Workload.AssertSame(content, TestImages.ReadAll(reopened));
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        foreach (var options in new ImageCreateOptions[]
        {
            new() { VirtualSize = 0 },
            new() { VirtualSize = 1000 },
            new() { VirtualSize = 1L << 40, ClusterBits = 9 },
            new() { VirtualSize = 512, ClusterBits = 8 },
            new() { VirtualSize = 512, BackingName = "base" },
            new() { VirtualSize = 512, RefcountBits = 3 },
            new() { VirtualSize = 512, RefcountBits = 0 },
            new() { VirtualSize = 512, RefcountBits = 128 },
            new() { VirtualSize = 512, ClusterBits = 13, L2Form = L2Form.Extended },
            new() { VirtualSize = 512, ClusterBits = 22 },
            new() { VirtualSize = 64L << 30, ClusterBits = 9, RefcountBits = 64, Preallocation = Preallocation.Metadata },
            new() { VirtualSize = 512, BackingName = "base", BackingFormat = "raw", Preallocation = Preallocation.Metadata },
            new() { VirtualSize = 512, BackingFormat = "raw" },
            new() { VirtualSize = 512, BackingName = "base", BackingFormat = "vmdk" },
            new() { VirtualSize = 512, BackingName = new string('x', 500), BackingFormat = "raw", ClusterBits = 9 },
        })
            Assert.ThrowsAny<ArgumentException>(() => ImageCreator.Create(new MemoryBlockFile(), options));
    }
}
