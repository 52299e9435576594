using System.Buffers.Binary;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>qemu-img copies data onto a served disk; what stands in the file after the detach is judged by qemu-img too.</summary>
public sealed class ImageConversionTests(DaemonFixture fixture, ITestOutputHelper output) : IClassFixture<DaemonFixture>
{
    // Not a multiple of any cluster size, so that the last cluster is a partial one.
    private const long DiskBytes = 48 * 1024 * 1024 + 37 * 512;
    private readonly DaemonProcess _daemon = fixture.Daemon;
    private readonly RandomSource _random = new(output.WriteLine);

    [Theory]
    [InlineData("cluster_size=512")]
    [InlineData("cluster_size=4096")]
    [InlineData("cluster_size=65536")]
    [InlineData("cluster_size=2097152")]
    [InlineData("cluster_size=65536", "compat=0.10")]
    public async Task Random_data_on_an_empty_disk_reads_back_equal(params string[] options)
    {
        string name = $"empty-{_random.Seed}.qcow2", source = RawImage.Random(_daemon.Disk($"{name}.raw"), DiskBytes, _random);
        QemuImg.Create(_daemon.Disk(name), DiskBytes, options);
        await ConvertOntoAsync(source, name);
        AssertEqualAndClean(source, name);
    }

    [Fact]
    public async Task An_overlay_on_a_compressed_base_takes_the_data_and_leaves_the_base_alone()
    {
        string old = RawImage.Random(_daemon.Disk("compressed.raw"), DiskBytes / 2 / 512 * 512, _random);
        string baseDisk = _daemon.Disk("compressed-base.qcow2");
        QemuImg.Convert(old, "raw", baseDisk, "qcow2", "-c");
        string hash = RawImage.HashOf(baseDisk);
        DateTime written = File.GetLastWriteTimeUtc(baseDisk);
        QemuImg.CreateOverlay(_daemon.Disk("on-compressed.qcow2"), "compressed-base.qcow2", size: DiskBytes);
        string source = RawImage.Random(_daemon.Disk("on-compressed.raw"), DiskBytes, _random);

        await ConvertOntoAsync(source, "on-compressed.qcow2", expectedBefore: old);

        AssertEqualAndClean(source, "on-compressed.qcow2");
        Assert.Equal(hash, RawImage.HashOf(baseDisk));
        Assert.Equal(written, File.GetLastWriteTimeUtc(baseDisk));
    }

    [Fact]
    public async Task An_overlay_that_names_its_base_relatively_and_declares_no_format_is_served()
    {
        Directory.CreateDirectory(_daemon.Disk("jobs"));
        string old = RawImage.Random(_daemon.Disk("golden.raw"), DiskBytes, _random);
        QemuImg.Convert(old, "raw", _daemon.Disk("golden.qcow2"), "qcow2");
        string overlay = _daemon.Disk("jobs/undeclared.qcow2");
        QemuImg.CreateOverlay(overlay, "../golden.qcow2");
        DropBackingFormat(overlay);
        string source = RawImage.Random(_daemon.Disk("undeclared.raw"), DiskBytes, _random);

        await ConvertOntoAsync(source, "jobs/undeclared.qcow2", expectedBefore: old);

        AssertEqualAndClean(source, "jobs/undeclared.qcow2");
    }

    [Fact]
    public async Task A_chain_of_ten_is_read_through_and_written_at_its_top()
    {
        QemuImg.Create(_daemon.Disk("chain-0.qcow2"), DiskBytes);
        for (int layer = 0; layer < 10; layer++)
        {
            if (layer > 0) QemuImg.CreateOverlay(_daemon.Disk($"chain-{layer}.qcow2"), $"chain-{layer - 1}.qcow2");
            string[] writes = [.. Enumerable.Range(0, 20).Select(_ => $"write -P {layer + 1} {_random.Next(90000) * 512} {_random.Next(1, 200) * 512}")];
            QemuImg.Io(_daemon.Disk($"chain-{layer}.qcow2"), writes).EnsureSuccess();
        }
        QemuImg.Convert(_daemon.Disk("chain-9.qcow2"), "qcow2", _daemon.Disk("chain-before.raw"), "raw");
        string[] below = [.. Enumerable.Range(0, 9).Select(layer => RawImage.HashOf(_daemon.Disk($"chain-{layer}.qcow2")))];
        string source = RawImage.Random(_daemon.Disk("chain-after.raw"), DiskBytes, _random);

        await ConvertOntoAsync(source, "chain-9.qcow2", expectedBefore: _daemon.Disk("chain-before.raw"));

        AssertEqualAndClean(source, "chain-9.qcow2");
        Assert.Equal(below, Enumerable.Range(0, 9).Select(layer => RawImage.HashOf(_daemon.Disk($"chain-{layer}.qcow2"))));
    }

    [Fact]
    public async Task An_overlay_on_a_declared_raw_base_is_served()
    {
        string old = RawImage.Random(_daemon.Disk("raw-base.raw"), DiskBytes, _random);
        QemuImg.CreateOverlay(_daemon.Disk("on-raw.qcow2"), "raw-base.raw", "raw", DiskBytes / 3 / 512 * 512);
        QemuImg.Convert(_daemon.Disk("on-raw.qcow2"), "qcow2", _daemon.Disk("on-raw-before.raw"), "raw");
        string source = RawImage.Random(_daemon.Disk("on-raw.raw"), DiskBytes / 3 / 512 * 512, _random);

        await ConvertOntoAsync(source, "on-raw.qcow2", expectedBefore: _daemon.Disk("on-raw-before.raw"));

        AssertEqualAndClean(source, "on-raw.qcow2");
    }

    private async Task ConvertOntoAsync(string source, string disk, string? expectedBefore = null)
    {
        string target = $"iqn.2018-05.local:convert-{Guid.NewGuid():n}";
        await _daemon.AddTargetAsync(target);
        int lun = await _daemon.AttachAsync(target, disk);
        string url = _daemon.Url(target, lun);
        if (expectedBefore is not null) Assert.True(QemuImg.Compare(expectedBefore, "raw", url, "raw"), "what the disk shows before the first write");
        QemuImg.Convert(source, "raw", url, "raw", "-n");
        Assert.True(QemuImg.Compare(source, "raw", url, "raw"), "what the disk shows after the last write");
        await _daemon.DetachAsync(target, lun);
        await _daemon.DeleteTargetAsync(target);
    }

    private void AssertEqualAndClean(string source, string disk)
    {
        Assert.True(QemuImg.Compare(source, "raw", _daemon.Disk(disk), "qcow2"), "the file after the detach");
        Assert.True(QemuImg.Check(_daemon.Disk(disk), out string words) == CheckVerdict.Clean, words);
    }

    /// <summary>
    /// Makes the extension that declares the backing format one that nobody knows: qemu-img no longer writes images without it, lab
    /// scripts have.
    /// </summary>
    private static void DropBackingFormat(string path)
    {
        const uint backingFormat = 0xE2792ACA;
        byte[] header = new byte[4096];
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
        file.ReadExactly(header);
        int at = (int)BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(100));
        while (BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(at)) is var type && type != backingFormat)
        {
            Assert.NotEqual(0u, type);
            at += 8 + ((int)(BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(at + 4)) + 7) & ~7);
        }
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(at), 0x71327471);
        file.Position = 0;
        file.Write(header);
    }
}
