using System.Buffers.Binary;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Testing;

namespace Qcow2Target.Qcow2.Tests.Image;

/// <summary>What a zeroing does to an entry, kind by kind; and that its cost does not grow with the range where nothing is.</summary>
[Trait("Length", "Long")]
public sealed class ZeroingTests
{
    private const int Cluster = 65536;
    private const int FirstL2 = 4 * Cluster;

    public static TheoryData<string, string, string, ZeroSpace, ulong> Entries => new()
    {
        { "compat=1.1", "none", "data", ZeroSpace.Free, 1 },
        { "compat=1.1", "none", "data", ZeroSpace.Keep, 0x8000_0000_0005_0001 },
        { "compat=1.1", "none", "unallocated", ZeroSpace.Free, 0 },
        { "compat=1.1", "base", "unallocated", ZeroSpace.Free, 1 },
        { "compat=1.1", "base", "unallocated", ZeroSpace.Keep, 1 },
        { "compat=1.1", "base", "compressed", ZeroSpace.Keep, 1 },
        { "compat=1.1", "none", "zero", ZeroSpace.Free, 1 },
        { "compat=1.1", "none", "preallocated", ZeroSpace.Free, 1 },
        { "compat=1.1", "none", "preallocated", ZeroSpace.Keep, 0x8000_0000_0005_0001 },
        { "compat=0.10", "none", "data", ZeroSpace.Free, 0 },
        { "compat=0.10", "none", "data", ZeroSpace.Keep, 0 },
        { "compat=0.10", "none", "compressed", ZeroSpace.Free, 0 },
        { "compat=0.10", "base", "data", ZeroSpace.Free, 0x8000_0000_0005_0000 },
        { "compat=0.10", "base", "unallocated", ZeroSpace.Free, 0x8000_0000_0006_0000 },
    };

    [Theory]
    [MemberData(nameof(Entries))]
    public void A_whole_cluster_becomes_the_entry_that_its_version_and_base_allow(string compat, string below, string kind, ZeroSpace space, ulong expected)
    {
        using var directory = new TempDirectory();
        var path = directory["t.qcow2"];
        if (below == "base")
        {
            directory.File("base", Enumerable.Repeat((byte)9, 4 << 20).ToArray());
            QemuImg.CreateOverlay(path, "base", "raw", null, compat);
        }
        else
        {
            QemuImg.Create(path, 4 << 20, compat);
        }
        // The second cluster is there in any case, so that the table is.
        var make = kind switch
        {
            "data" => "write -P 3 0 64k",
            "compressed" => "write -c -P 3 0 64k",
            "zero" => "write -zu 0 64k",
            "preallocated" => "write -P 3 0 64k",
            _ => "read 0 512",
        };
        QemuImg.Io(path, make, kind == "preallocated" ? "write -z 0 64k" : "read 0 512", "write -P 4 64k 64k").EnsureSuccess();

        var images = new TestImages();
        if (below == "base") images.Files["base"] = MemoryBlockFile.LoadFrom(directory["base"]);
        var file = MemoryBlockFile.LoadFrom(path);
        images.Files["t"] = file;
        var driver = images.Drive("t");
        var outcome = driver.Zero(0, Cluster, space);
        driver.RunAll();
        Assert.True(outcome.Succeeded, outcome.Fault?.Message);
        var read = new byte[Cluster + 1];
        driver.Image.Read(0, read);
        Assert.Equal(Cluster, read.AsSpan().IndexOfAnyExcept((byte)0));
        driver.Close();

        var entry = new byte[8];
        file.Read(FirstL2, entry);
        Assert.Equal(expected, BinaryPrimitives.ReadUInt64BigEndian(entry));
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }

    [Fact]
    public void Two_petabytes_of_nothing_are_zeroed_without_a_byte_written()
    {
        var images = new TestImages { Time = new ManualTime() };
        images.Create("t", new ImageCreateOptions { VirtualSize = 1L << 51 });
        var faulty = new FaultyBlockFile(images.Files["t"]);
        images.Files["t"] = faulty;
        var driver = images.Drive("t");
        driver.WriteThrough(1L << 40, new byte[] { 1 });
        var writes = faulty.Writes;
        var outcome = driver.Zero(0, 1L << 51, ZeroSpace.Free);
        driver.Writer.Drain();
        Assert.True(driver.Writer.NeedsDrain);
        Assert.False(outcome.IsCompleted);
        driver.RunAll();
        Assert.True(outcome.Succeeded);
        Assert.Equal(writes, faulty.Writes);
        var read = new byte[1];
        driver.Image.Read(1L << 40, read);
        Assert.Equal(0, read[0]);
        driver.Close();
    }

    [Fact]
    public void A_terabyte_above_a_base_is_zeroed_with_bounded_memory_by_commits_on_the_way()
    {
        var images = new TestImages { Cache = new CacheBudget(1 << 20) };
        var below = new MemoryBlockFile();
        below.SetLength(1L << 40);
        images.Files["base"] = below;
        var file = images.Create("t", new ImageCreateOptions { VirtualSize = 1L << 40, BackingName = "base", BackingFormat = "raw" });
        var driver = images.Drive("t");
        var outcome = driver.Zero(0, 1L << 40, ZeroSpace.Free);
        var most = 0L;
        while (!outcome.IsCompleted)
        {
            driver.Turn();
            most = Math.Max(most, images.Cache.UsedBytes);
        }
        Assert.True(outcome.Succeeded, outcome.Fault?.Message);
        Assert.InRange(most, 1, 24 << 20);
        driver.Close();
        TestImages.AssertChecked(file, CheckVerdict.Clean);
    }
}
