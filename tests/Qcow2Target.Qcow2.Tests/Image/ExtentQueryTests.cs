using System.Text.Json;
using Qcow2Target.Qcow2.Image;
using Qcow2Target.Qcow2.Io;
using Qcow2Target.Testing;
using Xunit.Abstractions;
using static Qcow2Target.Qcow2.Image.ExtentState;

namespace Qcow2Target.Qcow2.Tests.Image;

[Trait("Length", "Long")]
public sealed class ExtentQueryTests(ITestOutputHelper output) : IDisposable
{
    private const int Sector = 512;
    private const int Cluster = 65536;
    private const string Mixed =
        "IO -c 'write -q -P 1 0 1M' -c 'write -q -z 192k 64k' -c 'write -q -z -u 320k 128k' -c 'discard -q 704k 64k' "
        + "-c 'write -q -c -P 2 2M 64k' -c 'write -q -z 3M 512k' t.qcow2";

    private const string MixedSubclusters =
        "IO -c 'write -q -P 5 2500k 3k' -c 'write -q -z 10k 4k' -c 'write -q -z 2564k 2k' -c 'write -q -z 3590k 7k' -c 'write -q -P 6 3080k 2k' t.qcow2";

    private readonly TempDirectory _directory = new();
    private readonly TestImages _images = new() { Cache = new CacheBudget(64 << 20) };

    /// <summary>Images by the commands that make them: of the matrix by number, or own ones.</summary>
    public static TheoryData<string, string> Scripts
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var row in ImageMatrix.Rows.Where(row => row.Name.Split(' ')[0] is "1" or "3" or "21" or "22" or "24" or "32" or "32b" or "35" or "35b" or "36" or "37" or "38" or "38b" or "39"))
                data.Add(row.Name, row.Script);
            data.Add("all kinds of entries", $"C t.qcow2 4M && {Mixed}");
            data.Add("all kinds of entries over data", $"C -b base.qcow2 -F qcow2 t.qcow2 && {Mixed}");
            data.Add("all kinds of entries over nothing", $"C b2.qcow2 4M && C -b b2.qcow2 -F qcow2 t.qcow2 && {Mixed}");
            data.Add("all kinds of entries below", $"C -b base.raw -F raw t.qcow2 && {Mixed} && mv t.qcow2 b2.qcow2 && C -o cluster_size=4k -b b2.qcow2 -F qcow2 t.qcow2 5M");
            data.Add("version 2, discarded", "C -o compat=0.10 t.qcow2 4M && IO -c 'write -q -P 1 0 1M' -c 'discard -q 704k 64k' t.qcow2");
            data.Add("all kinds of sub-clusters", $"C -o extended_l2=on t.qcow2 4M && {Mixed} && {MixedSubclusters}");
            data.Add("all kinds of sub-clusters over data", $"C -o extended_l2=on -b base.qcow2 -F qcow2 t.qcow2 && {Mixed} && {MixedSubclusters}");
            data.Add("all kinds of sub-clusters below", $"C -o extended_l2=on,cluster_size=16k -b base.raw -F raw b2.qcow2 && IO -c 'write -q -P 1 5k 1k' -c 'write -q -z 8k 2k' b2.qcow2 && C -b b2.qcow2 -F qcow2 t.qcow2 5M");
            data.Add("holes of a raw base", "truncate -s 3M b2.raw && C -b b2.raw -F raw t.qcow2 4M");
            return data;
        }
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Space_is_where_QEMU_maps_it(string name, string script)
    {
        output.WriteLine(name);
        var random = new RandomSource(output.WriteLine);
        var path = ImageMatrix.Make(_directory, new MatrixRow(name, Served.Writable, script));
        var files = new RootedImageFiles([_directory.Path], []);
        using var image = Qcow2Image.Open(new ImageOpenOptions
        {
            Path = path,
            Access = ImageAccess.ReadOnly,
            Files = files,
            Backings = new BackingImages(files, _images.Cache),
            Cache = _images.Cache,
        });
        var expected = SectorsOfQemu(path, image.Length);

        var merged = new ExtentState[expected.Length];
        foreach (var (offset, extent) in Extents(image)) merged.AsSpan((int)(offset / Sector), (int)(extent.Length / Sector)).Fill(extent.State);
        Assert.Equal(expected, merged);

        // From anywhere and with any end: a prefix of what goes on from there.
        for (var i = 0; i < 200; i++)
        {
            var first = random.Next(expected.Length);
            var most = random.Next(1, expected.Length - first + 1);
            var extent = image.Describe((long)first * Sector, (long)most * Sector);
            Assert.InRange(extent.Length, Sector, (long)most * Sector);
            Assert.Equal(0, extent.Length % Sector);
            var goesOn = expected.AsSpan(first, most).IndexOfAnyExcept(expected[first]);
            Assert.Equal(new ImageExtent((goesOn < 0 ? most : goesOn) * (long)Sector, expected[first]), extent);
        }
    }

    [Fact]
    public void What_is_written_is_mapped_at_once_and_what_is_freed_is_not()
    {
        _images.Create("t", new ImageCreateOptions { VirtualSize = 1 << 20 });
        var driver = _images.Drive("t");
        Assert.Equal([(1 << 20, Deallocated)], All(driver.Image));

        driver.WriteThrough((3 * Cluster) + 512, new byte[2 * Cluster]);
        Assert.Equal([(3 * Cluster, Deallocated), (3 * Cluster, Mapped), (10 * Cluster, Deallocated)], All(driver.Image));

        var freed = driver.Zero((3 * Cluster) + 512, 2 * Cluster, ZeroSpace.Free);
        driver.RunAll();
        Assert.True(freed.Succeeded, freed.Fault?.Message);
        Assert.Equal([(3 * Cluster, Deallocated), (Cluster, Mapped), (Cluster, Deallocated), (Cluster, Mapped), (10 * Cluster, Deallocated)], All(driver.Image));
        driver.Close();
    }

    [Fact]
    public void Zeros_that_keep_their_space_are_mapped()
    {
        _images.Create("t", new ImageCreateOptions { VirtualSize = 1 << 20 });
        var driver = _images.Drive("t");
        driver.WriteThrough(0, new byte[2 * Cluster]);
        driver.Zero(0, Cluster, ZeroSpace.Keep);
        driver.RunAll();

        Assert.Equal(new ImageExtent(2 * Cluster, Mapped), driver.Image.Describe(0, 1 << 20));
        driver.Close();
    }

    [Fact]
    public void One_call_reads_a_bounded_number_of_tables()
    {
        const int Entries = 4096 / sizeof(ulong);
        const long Size = (ExtentQuery.EntryBudget / Entries) * Entries * 4096L;
        _images.Create("base", new ImageCreateOptions { VirtualSize = Size });
        _images.Create("t", new ImageCreateOptions { VirtualSize = Size, ClusterBits = 12, BackingName = "base", BackingFormat = "qcow2" });
        var driver = _images.Drive("t");
        var zeroed = driver.Zero(0, Size, ZeroSpace.Free);
        driver.RunAll();
        Assert.True(zeroed.Succeeded, zeroed.Fault?.Message);
        driver.Close();
        var counted = new FaultyBlockFile(_images.Files["t"]);
        _images.Files["t"] = counted;
        using var image = _images.Open("t", ImageAccess.ReadOnly);
        var opened = counted.Reads;

        var extent = image.Describe(0, Size);

        Assert.Equal(new ImageExtent(Size / 2, Deallocated), extent);
        Assert.Equal(ExtentQuery.EntryBudget / (2 * Entries), counted.Reads - opened);
        Assert.Equal(new ImageExtent(Size / 2, Deallocated), image.Describe(Size / 2, Size / 2));
        Assert.Equal(new ImageExtent(Size, Deallocated), image.Describe(0, Size));   // from the cache it reaches further
    }

    [Fact]
    public void One_call_passes_a_bounded_number_of_tables_that_are_not_there()
    {
        const long Size = 1L << 50;
        _images.Create("t", new ImageCreateOptions { VirtualSize = Size });
        using var image = _images.Open("t", ImageAccess.ReadOnly);

        var extents = Extents(image).ToList();

        Assert.All(extents, found => Assert.Equal(Deallocated, found.Extent.State));
        Assert.Equal(Size / ((long)ExtentQuery.EntryBudget << 29), extents.Count);
    }

    [Theory]
    [InlineData("52")]
    [InlineData("56")]
    public void An_impossible_entry_is_mapped_so_that_nobody_skips_its_read_error(string number)
    {
        var path = ImageMatrix.Make(_directory, ImageMatrix.Rows.Single(row => row.Name.Split(' ')[0] == number));
        _images.Files["t"] = MemoryBlockFile.LoadFrom(path);
        using var image = _images.Open("t", ImageAccess.ReadOnly);

        Assert.Equal(new ImageExtent(Cluster, Mapped), image.Describe(0, image.Length));
        Assert.Throws<ImageFaultException>(() => image.Read(0, new byte[512]));
    }

    [Fact]
    public void A_table_that_cannot_be_read_is_a_read_error()
    {
        _images.Create("t", new ImageCreateOptions { VirtualSize = 1 << 20 });
        var driver = _images.Drive("t");
        driver.WriteThrough(0, new byte[512]);
        driver.Close();
        var faulty = new FaultyBlockFile(_images.Files["t"]);
        _images.Files["t"] = faulty;
        using var image = _images.Open("t", ImageAccess.ReadOnly);
        faulty.FailNth(BlockOperation.Read, 1, BlockFileError.Io);

        var fault = Assert.Throws<ImageFaultException>(() => image.Describe(0, 1 << 20));

        Assert.Equal(ImageFaultKind.ReadError, fault.Fault.Kind);
        Assert.Equal(new ImageExtent(Cluster, Mapped), image.Describe(0, 1 << 20));
    }

    [Theory]
    [InlineData(-512, 512)]
    [InlineData(0, 0)]
    [InlineData(0, (1 << 20) + 512)]
    [InlineData(1 << 20, 512)]
    [InlineData(512, long.MaxValue)]
    [InlineData(long.MaxValue, 512)]
    public void A_range_outside_the_disk_is_the_callers_bug(long offset, long maxLength)
    {
        _images.Create("t", new ImageCreateOptions { VirtualSize = 1 << 20 });
        using var image = _images.Open("t", ImageAccess.ReadOnly);

        Assert.Throws<ArgumentOutOfRangeException>(() => image.Describe(offset, maxLength));
    }

    private static IEnumerable<(long Offset, ImageExtent Extent)> Extents(Qcow2Image image)
    {
        for (long offset = 0; offset < image.Length;)
        {
            var extent = image.Describe(offset, image.Length - offset);
            yield return (offset, extent);
            offset += extent.Length;
        }
    }

    private static (int, ExtentState)[] All(Qcow2Image image) => [.. Extents(image).Select(found => ((int)found.Extent.Length, found.Extent.State))];

    // QEMU gives an offset where space is held, be it of zeros or of a hole of the file.
    private static ExtentState[] SectorsOfQemu(string path, long length)
    {
        var sectors = new ExtentState[length / Sector];
        foreach (var extent in QemuImg.Map(path).EnumerateArray())
        {
            var start = extent.GetProperty("start").GetInt64() / Sector;
            var count = Math.Min(extent.GetProperty("length").GetInt64() / Sector, sectors.Length - start);
            var isMapped = extent.GetProperty("data").GetBoolean() || extent.TryGetProperty("offset", out JsonElement _);
            sectors.AsSpan((int)start, (int)count).Fill(isMapped ? Mapped : Deallocated);
        }
        return sectors;
    }
}
