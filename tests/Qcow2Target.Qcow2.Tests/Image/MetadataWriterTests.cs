using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

public sealed class MetadataWriterTests(ITestOutputHelper output)
{
    private readonly TestImages _images = new();

    [Theory]
    [InlineData(9)]
    [InlineData(12)]
    [InlineData(16)]
    [InlineData(21)]
    public void What_was_written_is_read_back_at_once_and_after_a_close(int clusterBits)
    {
        var file = _images.Create("t", new ImageCreateOptions { VirtualSize = 8 << 20, ClusterBits = clusterBits });
        var driver = _images.Drive("t");
        var data = new RandomSource(output.WriteLine).Bytes(100_000);
        var outcome = driver.Write(12345 * 512, data);
        driver.RunAll();
        Assert.True(outcome.Succeeded, outcome.Fault?.Message);
        var read = new byte[data.Length];
        Assert.True(driver.Image.TryRead(12345 * 512, read));
        Assert.Equal(data, read);
        Assert.True(driver.Image.TryWrite(12345 * 512, data.AsSpan(0, 512)));
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);

        using var reopened = _images.Open("t", ImageAccess.ReadOnly);
        var expected = new byte[8 << 20];
        data.CopyTo(expected, 12345 * 512);
        Assert.Equal(expected, TestImages.ReadAll(reopened));
    }

    [Fact]
    public void An_image_that_is_opened_for_writing_and_not_written_does_not_change()
    {
        var file = _images.Create("t", new ImageCreateOptions { VirtualSize = 8 << 20 });
        var before = file.ToArray();
        var driver = _images.Drive("t");
        driver.Flush();
        driver.RunAll();
        driver.Close();
        Assert.Equal(before, file.ToArray());
        Assert.Equal(0, _images.Files.OpenCount);
    }

    [Fact]
    public void A_write_needs_no_sync_a_flush_one_and_two_when_something_was_linked()
    {
        _images.Create("t", new ImageCreateOptions { VirtualSize = 1L << 30 });
        var counted = new FaultyBlockFile(_images.Files["t"]);
        _images.Files["t"] = counted;
        var driver = _images.Drive("t");
        driver.WriteThrough(0, new byte[4096]);
        var reserved = counted.Syncs;
        Assert.InRange(reserved, 1, 1);

        driver.WriteThrough(64 << 10, new byte[4096]);
        driver.WriteThrough(0, new byte[4096]);
        Assert.Equal(reserved, counted.Syncs);

        driver.Flush();
        driver.RunAll();
        Assert.Equal(reserved + 2, counted.Syncs);
        driver.WriteThrough(0, new byte[4096]);
        driver.Flush();
        driver.Flush();
        driver.RunAll();
        Assert.Equal(reserved + 3, counted.Syncs);

        for (var cluster = 2; cluster < 4002; cluster++) driver.WriteThrough((long)cluster << 16, new byte[512]);
        Assert.InRange(counted.Syncs - reserved - 3, 3, 5);
        driver.Close();
    }
}
