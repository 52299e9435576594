using Qcow2Target.Qcow2.Format;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>Images with refcounts of every width that the format has: written, reused, and their tables grown.</summary>
[Trait("Length", "Long")]
public sealed class RefcountWidthTests(ITestOutputHelper output)
{
    public static TheoryData<int, int> Widths
    {
        get
        {
            var data = new TheoryData<int, int>();
            foreach (var bits in new[] { 1, 2, 4, 8, 16, 32, 64 })
                foreach (var clusterBits in new[] { 9, 16 }) data.Add(bits, clusterBits);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Whatever_the_width_the_disk_is_what_was_written_and_QEMU_finds_it_clean(int refcountBits, int clusterBits)
    {
        var random = new RandomSource(output.WriteLine);
        var images = new TestImages { Cache = new CacheBudget(64 << 10) };
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = 3 << 20, ClusterBits = clusterBits, RefcountBits = refcountBits });
        var model = new byte[3 << 20];
        for (var round = 0; round < 2; round++)
        {
            var driver = images.Drive("t", random);
            driver.Writer.RefillClusters = random.Pick(3, 1024);
            new Workload(driver, model, random).Run(steps: 300);
            driver.Close();
            TestImages.AssertChecked(file.Reopen(), CheckVerdict.Clean);
        }
        using var reopened = images.Open("t");
        Assert.Equal(0, reopened.Info.LeakedClusters);
        Workload.AssertSame(model, TestImages.ReadAll(reopened));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(32)]
    [InlineData(16)]
    public void A_refcount_table_that_is_full_grows_again_and_again(int refcountBits)
    {
        var images = new TestImages();
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = 32 << 20, ClusterBits = 9, RefcountBits = refcountBits });
        var driver = images.Drive("t");
        var data = new RandomSource(output.WriteLine).Bytes(12 << 20);
        for (var offset = 0; offset < data.Length; offset += 1 << 20) driver.WriteThrough(offset, data.AsMemory(offset, 1 << 20));
        driver.Close();
        var header = ImageHeader.ReadFrom(file.Reopen());
        Assert.True(header.RefcountTableClusters > 1, "the table has not grown");
        TestImages.AssertChecked(file, CheckVerdict.Clean);
        using var reopened = images.Open("t", ImageAccess.ReadOnly);
        Workload.AssertSame(data, TestImages.ReadAll(reopened).AsSpan(0, data.Length));
    }

    [Fact]
    public void A_count_that_its_width_does_not_hold_is_refused_and_nothing_changes()
    {
        foreach (var order in Enumerable.Range(0, 6))
        {
            var table = new RefcountTable(new ClusterGeometry(16, order, 3, 1 << 20), new HostOffset(65536), 1);
            table.Load(0, new HostOffset(131072), new byte[65536]);
            table.Set(3, RefcountBlock.Max(order));
            var refusal = Assert.Throws<ImageFaultException>(() => table.Set(3, RefcountBlock.Max(order) + 1));
            Assert.Equal(ImageFaultKind.NoSpace, refusal.Fault.Kind);
            Assert.Equal(RefcountBlock.Max(order), table.Get(3));
        }
    }

    [Fact]
    public void No_table_reaches_behind_what_56_bits_can_point_to()
    {
        var table = new RefcountTable(new ClusterGeometry(21, 0, 3, 1 << 30), new HostOffset(2 << 20), 4);
        Assert.Equal(1L << 35, table.Reach);
        Assert.Equal(table.Reach, table.FindCounted(1));
    }
}
