using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>Rows 9 to 15 of the matrix: widths of refcounts, lazy and stale ones.</summary>
[Collection(MatrixCollection.Name)]
public sealed class RefcountRows(MatrixFixture fixture, ITestOutputHelper output)
{
    private static readonly MatrixRow[] Rows =
    [
        new("9 refcount_bits 1", Served.Writable, "C -o refcount_bits=1 t.qcow2 64M && IO -c 'write -q -P 3 0 1M' t.qcow2"),
        new("10 refcount_bits 2, two snapshots", Served.Writable, "C -o refcount_bits=2 t.qcow2 64M && IO -c 'write -q -P 3 0 1M' t.qcow2 && qemu-img snapshot -c a t.qcow2 && qemu-img snapshot -c b t.qcow2") { Snapshots = ["a", "b"] },
        new("11 refcount_bits 4, 8, 32", Served.Writable, "for b in 4 8 32; do C -o refcount_bits=$b t$b.qcow2 64M; done") { Disks = ["t4.qcow2", "t8.qcow2", "t32.qcow2"] },
        new("12 refcount_bits 64, clusters of 512 bytes", Served.Writable, "C -o refcount_bits=64,cluster_size=512 t.qcow2 64M && IO -c 'write -q -P 3 0 8M' t.qcow2"),
        new("13 lazy refcounts, clean", Served.Writable, "C -o lazy_refcounts=on t.qcow2 64M && IO -c 'write -q -P 3 0 1M' t.qcow2"),
        new("14 lazy refcounts, left dirty", Served.Writable, "C -o lazy_refcounts=on t.qcow2 64M; IO -c 'write -q -P 5 0 1M' -c flush -c abort t.qcow2 || true") { Clears = 1, Afterwards = path => Assert.Equal(0, File.ReadAllBytes(path)[79]) },
        new("15 dirty but consistent", Served.Writable, "C t.qcow2 64M && IO -c 'write -q -P 3 0 1M' t.qcow2 && poke t.qcow2 79 '\\1'") { Clears = 1, Afterwards = path => Assert.Equal(0, File.ReadAllBytes(path)[79]) },
    ];

    private readonly MatrixRunner _runner = new(fixture, output);

    public static TheoryData<string> Names => MatrixRow.NamesOf(Rows);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Row(string name) => _runner.RunAsync(Rows, name);

    [Fact]
    public async Task Row_14_read_only_leaves_the_dirty_image_as_it_is()
    {
        string directory = fixture.Make("C -o lazy_refcounts=on t.qcow2 64M; IO -c 'write -q -P 5 0 1M' -c flush -c abort t.qcow2 || true");
        string disk = $"{directory}/t.qcow2";
        Assert.Equal(1, File.ReadAllBytes(fixture.Daemon.Disk(disk))[79] & 1);
        await _runner.ReadUntouchedAsync(Rows[0], disk, new MatrixDisk(fixture.Daemon.Disk(disk)));
    }
}
