using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>Rows 21 to 23 of the matrix: extended L2 entries.</summary>
[Collection(MatrixCollection.Name)]
public sealed class ExtendedEntryRows(MatrixFixture fixture, ITestOutputHelper output)
{
    private static readonly MatrixRow[] Rows =
    [
        new("21 over a base", Served.Writable, "C -o extended_l2=on -b base.qcow2 -F qcow2 t.qcow2 && IO -c 'write -q -P 1 5k 1k' -c 'write -q -z 8k 2k' t.qcow2"),
        new("22 preallocated over a base", Served.Writable, "C -o extended_l2=on,cluster_size=16k,preallocation=metadata -b base.qcow2 -F qcow2 t.qcow2"),
        new("23 allocated and zero at once", Served.ReadOnly, "C -o extended_l2=on t.qcow2 4M && IO -c 'write -q -P 3 0 64k' t.qcow2 && poke t.qcow2 262155 '\\1'") { Unreadable = (0, 65536), Around = [] },
    ];

    private readonly MatrixRunner _runner = new(fixture, output);

    public static TheoryData<string> Names => MatrixRow.NamesOf(Rows);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Row(string name) => _runner.RunAsync(Rows, name);
}
