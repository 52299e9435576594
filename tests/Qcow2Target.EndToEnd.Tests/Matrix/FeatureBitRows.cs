using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>Rows 16 to 20 of the matrix: the corrupt bit, unknown features, an older header.</summary>
[Collection(MatrixCollection.Name)]
public sealed class FeatureBitRows(MatrixFixture fixture, ITestOutputHelper output)
{
    private static readonly MatrixRow[] Rows =
    [
        new("16 corrupt bit", Served.ReadOnly, "C t.qcow2 64M && IO -c 'write -q -P 3 0 1M' t.qcow2 && poke t.qcow2 79 '\\2'") { Refusal = "corrupt bit set" },
        new("17 unknown incompatible bit 40", Served.Refused, "C t.qcow2 64M && poke t.qcow2 74 '\\1'") { Refusal = "unknown incompatible feature bit 40" },
        new("17b unknown incompatible bit 5", Served.Refused, "C t.qcow2 64M && poke t.qcow2 79 '\\40'") { Refusal = "unknown incompatible feature bit 5" },
        new("18 unknown compatible bit", Served.Writable, "C t.qcow2 64M && poke t.qcow2 82 '\\1'") { Afterwards = path => Assert.Equal(1, File.ReadAllBytes(path)[82]) },
        new("19 unknown autoclear bit", Served.Writable, "C t.qcow2 64M && poke t.qcow2 90 '\\1'") { Afterwards = path => Assert.Equal(0, File.ReadAllBytes(path)[90]) },
        new("20 header of 104 bytes", Served.Writable, "C t.qcow2 4M && poke t.qcow2 103 '\\150'"),
    ];

    private readonly MatrixRunner _runner = new(fixture, output);

    public static TheoryData<string> Names => MatrixRow.NamesOf(Rows);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Row(string name) => _runner.RunAsync(Rows, name);

    [Fact]
    public async Task Row_19_read_only_leaves_the_autoclear_bit()
    {
        string directory = fixture.Make("C t.qcow2 64M && poke t.qcow2 90 '\\1'");
        await _runner.ReadUntouchedAsync(Rows[0], $"{directory}/t.qcow2", new MatrixDisk(fixture.Daemon.Disk($"{directory}/t.qcow2")));
        Assert.Equal(1, File.ReadAllBytes(fixture.Daemon.Disk($"{directory}/t.qcow2"))[90]);
    }
}
