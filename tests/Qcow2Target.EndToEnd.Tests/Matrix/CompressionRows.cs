using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>Rows 24 to 29 of the matrix: compressed clusters.</summary>
[Collection(MatrixCollection.Name)]
public sealed class CompressionRows(MatrixFixture fixture, ITestOutputHelper output)
{
    private static readonly MatrixRow[] Rows =
    [
        new("24 deflate", Served.Writable, "qemu-img convert -c -O qcow2 base.raw t.qcow2"),
        new("25 zstd", Served.Writable, "qemu-img convert -c -O qcow2 -o compression_type=zstd base.raw t.qcow2"),
        new("26 deflate, streams cross clusters", Served.Writable, "qemu-img convert -c -O qcow2 -o cluster_size=512 base.raw t.qcow2"),
        new("27 compressed over a base", Served.Writable, "C -b base.qcow2 -F qcow2 t.qcow2 && IO -c 'write -q -c -P 1 64k 64k' t.qcow2"),
        new("28 compressed, with a snapshot", Served.Writable, "qemu-img convert -c -O qcow2 base.raw t.qcow2 && qemu-img snapshot -c a t.qcow2") { Snapshots = ["a"] },
        new("29 zstd without its bit", Served.Refused, "C -o compression_type=zstd t.qcow2 64M && poke t.qcow2 79 '\\0'") { Refusal = "compression type 1" },
    ];

    private readonly MatrixRunner _runner = new(fixture, output);

    public static TheoryData<string> Names => MatrixRow.NamesOf(Rows);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Row(string name) => _runner.RunAsync(Rows, name);

    [Fact]
    public async Task Row_30_a_stream_of_garbage_is_a_medium_error_until_it_is_overwritten()
    {
        string directory = fixture.Make(
            "C t.qcow2 4M && IO -c 'write -q -P 3 0 128k' t.qcow2 && poke t.qcow2 327680 garbage && poke t.qcow2 262144 '\\100'");
        string disk = $"{directory}/t.qcow2";
        byte[] block = new byte[512], cluster = new byte[65536];
        cluster.AsSpan().Fill(9);
        await _runner.ServeAsync(disk, async session =>
        {
            Assert.Equal(MatrixRunner.MediumError, (await session.ExecuteAsync(Cdb.Read16(0, block))).Sense);
            Assert.False((await session.ExecuteAsync(Cdb.Write16(1, block))).IsGood, "a part of it cannot be written");
            await session.MustAsync(Cdb.Read16(128, block));
            await session.MustAsync(Cdb.Write16(0, cluster));
            await MatrixRunner.AssertReadsAsync(session, cluster, 0);
        });
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(fixture.Daemon.Disk(disk)));
        QemuImg.Io(fixture.Daemon.Disk(disk), "read -P 9 0 64k", "read -P 3 64k 64k").EnsureSuccess();
    }
}
