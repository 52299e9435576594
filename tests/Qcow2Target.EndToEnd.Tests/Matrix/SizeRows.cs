using System.Buffers.Binary;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>Rows 1 to 8 of the matrix: versions, sizes of clusters and disks.</summary>
[Collection(MatrixCollection.Name)]
public sealed class SizeRows(MatrixFixture fixture, ITestOutputHelper output)
{
    private static readonly MatrixRow[] Rows =
    [
        new("1 version 2", Served.Writable, "C -o compat=0.10 t.qcow2 64M") { Afterwards = AssertStaysVersion2 },
        new("2 default", Served.Writable, "C t.qcow2 64M"),
        new("3 clusters of 512 bytes", Served.Writable, "C -o cluster_size=512 t.qcow2 16M && IO -c 'write -q -P 3 0 8M' t.qcow2") { Afterwards = AssertTableHasGrown },
        new("4 clusters of 4 KiB", Served.Writable, "C -o cluster_size=4k t.qcow2 1G"),
        new("5 clusters of 2 MiB", Served.Writable, "C -o cluster_size=2M t.qcow2 1G"),
        new("6 two petabytes", Served.Writable, "C t.qcow2 2P") { Capacity = 2L << 50 },
        new("7 last cluster in part", Served.Writable, "C t.qcow2 1000000") { Capacity = 1000448 },
        new("8 empty disk", Served.Refused, "C t.qcow2 0") { Refusal = "empty disk" },
    ];

    private readonly MatrixRunner _runner = new(fixture, output);

    public static TheoryData<string> Names => MatrixRow.NamesOf(Rows);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Row(string name) => _runner.RunAsync(Rows, name);

    // A zero flag in a table of version 2 would be an error to every reader, and qemu-img check does not look for it.
    private static void AssertStaysVersion2(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        Assert.Equal(2u, BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(4)));
        Assert.False(file.AsSpan(72, 512 - 72).ContainsAnyExcept((byte)0), "bytes 72.. of the header");
        int l1 = (int)BinaryPrimitives.ReadInt64BigEndian(file.AsSpan(40)), seen = 0;
        for (int i = 0; i < BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(36)); i++)
        {
            int table = (int)(BinaryPrimitives.ReadInt64BigEndian(file.AsSpan(l1 + (8 * i))) & 0x00ff_ffff_ffff_fe00);
            for (int entry = table; table != 0 && entry < table + 65536; entry += 8, seen++)
                Assert.Equal(0, file[entry + 7] & 1);
        }
        Assert.NotEqual(0, seen);
    }

    private static void AssertTableHasGrown(string path)
    {
        byte[] header = File.ReadAllBytes(path)[..512];
        Assert.True(BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(56)) > 1, "refcount table clusters");
    }
}
