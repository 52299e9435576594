using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>Rows 63 to 66 of the matrix: snapshots, bitmaps, encryption.</summary>
[Collection(MatrixCollection.Name)]
public sealed class ForeignPartRows(MatrixFixture fixture, ITestOutputHelper output)
{
    private static readonly MatrixRow[] Rows =
    [
        new("63 snapshot, then written", Served.Writable, "C t.qcow2 64M && IO -c 'write -q -P 3 0 1M' t.qcow2 && qemu-img snapshot -c a t.qcow2 && IO -c 'write -q -P 4 0 64k' t.qcow2") { Snapshots = ["a"] },
        new("64 snapshot, then grown", Served.Writable, "C t.qcow2 64M && qemu-img snapshot -c a t.qcow2 && qemu-img resize -q t.qcow2 128M") { Snapshots = ["a"] },
        new("65 bitmap", Served.Writable, "C t.qcow2 64M && qemu-img bitmap --add --enable t.qcow2 bm0") { Verdicts = [CheckVerdict.LeaksOnly], Afterwards = path => Assert.Equal(0, File.ReadAllBytes(path)[95]) },
        new("66 LUKS", Served.Refused, "for i in 1 2 3 4 5; do C --object secret,id=s,data=pw -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 t.qcow2 4M && break; done") { Refusal = "encrypted image (LUKS)" },
        new("66b AES", Served.Refused, "C --object secret,id=s,data=pw -o encrypt.format=aes,encrypt.key-secret=s t.qcow2 4M") { Refusal = "encrypted image (AES)" },
    ];

    private readonly MatrixRunner _runner = new(fixture, output);

    public static TheoryData<string> Names => MatrixRow.NamesOf(Rows);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Row(string name) => _runner.RunAsync(Rows, name);

    [Fact]
    public async Task Row_65_bitmaps_are_untouched_by_reading_and_their_end_by_writing_is_told()
    {
        string directory = fixture.Make("C t.qcow2 64M && qemu-img bitmap --add --enable t.qcow2 bm0");
        string disk = $"{directory}/t.qcow2";
        await _runner.ReadUntouchedAsync(Rows[0], disk, new MatrixDisk(fixture.Daemon.Disk(disk)));
        Assert.DoesNotContain($"{disk} has dirty bitmaps", fixture.Daemon.Log, StringComparison.Ordinal);
        // Attached for writing and not written: they are still good.
        await _runner.ServeAsync(disk, session => session.MustAsync(Cdb.TestUnitReady()));
        await Eventually.That(() => fixture.Daemon.Log.Contains($"{disk}", StringComparison.Ordinal) && fixture.Daemon.Log.Contains("has dirty bitmaps", StringComparison.Ordinal));
        Assert.Equal(1, File.ReadAllBytes(fixture.Daemon.Disk(disk))[95]);
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(fixture.Daemon.Disk(disk)));
    }
}
