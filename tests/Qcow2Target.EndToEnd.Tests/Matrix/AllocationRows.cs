using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>Rows 31 and 32 of the matrix: external data files, preallocation.</summary>
[Collection(MatrixCollection.Name)]
public sealed class AllocationRows(MatrixFixture fixture, ITestOutputHelper output)
{
    private static readonly MatrixRow[] Rows =
    [
        new("31 external data files", Served.Refused, "C -o data_file=t.data t.qcow2 64M && C -o data_file=u.data,data_file_raw=on u.qcow2 64M") { Refusal = "external data file", Disks = ["t.qcow2", "u.qcow2"] },
        new("32 preallocated", Served.Writable, "for m in metadata falloc full; do C -o preallocation=$m t-$m.qcow2 64M; done") { Disks = ["t-metadata.qcow2", "t-falloc.qcow2", "t-full.qcow2"] },
    ];

    private readonly MatrixRunner _runner = new(fixture, output);

    public static TheoryData<string> Names => MatrixRow.NamesOf(Rows);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Row(string name) => _runner.RunAsync(Rows, name);

    [Fact]
    public async Task Row_32_writes_in_place_change_no_count_and_no_table()
    {
        string directory = fixture.Make("for m in metadata falloc full; do C -o preallocation=$m t-$m.qcow2 64M; done");
        foreach (string mode in new[] { "metadata", "falloc", "full" })
        {
            string disk = $"{directory}/t-{mode}.qcow2", path = fixture.Daemon.Disk(disk);
            byte[] before = Metadata(path);
            await _runner.ServeAsync(disk, async session =>
            {
                for (int i = 0; i < 20; i++) await session.MustAsync(Cdb.Write16(i * 6007, new byte[4096 + 512]));
            });
            Assert.Equal(before, Metadata(path));
            Assert.Equal(CheckVerdict.Clean, QemuImg.Check(path));
        }
    }

    // Header, refcount table and block, L1, L2: the first five clusters of an image that was preallocated.
    private static byte[] Metadata(string path)
    {
        byte[] metadata = new byte[5 * 65536];
        using FileStream file = new(path, FileMode.Open, FileAccess.Read);
        file.ReadExactly(metadata);
        return metadata;
    }
}
