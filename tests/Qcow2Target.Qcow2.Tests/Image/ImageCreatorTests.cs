using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image;

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
            new() { VirtualSize = 512, BackingFormat = "raw" },
            new() { VirtualSize = 512, BackingName = "base", BackingFormat = "vmdk" },
            new() { VirtualSize = 512, BackingName = new string('x', 500), BackingFormat = "raw", ClusterBits = 9 },
        })
            Assert.ThrowsAny<ArgumentException>(() => ImageCreator.Create(new MemoryBlockFile(), options));
    }
}
