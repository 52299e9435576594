using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>Rows 50 to 62 of the matrix: metadata that contradicts itself.</summary>
[Collection(MatrixCollection.Name)]
public sealed class DamageRows(MatrixFixture fixture, ITestOutputHelper output)
{
    private static readonly MatrixRow[] Rows =
    [
        new("50 L2 entry points at L1", Served.ReadOnly, "C t.qcow2 4M && IO -c 'write -q -P 3 0 64k' t.qcow2 && poke t.qcow2 262144 '\\200\\0\\0\\0\\0\\3\\0\\0'") { Unreadable = (0, 65536), Around = [] },
        new("51 cluster referenced twice", Served.ReadOnly, "C t.qcow2 4M && IO -c 'write -q -P 3 0 128k' t.qcow2 && poke t.qcow2 262144 '\\200\\0\\0\\0\\0\\6\\0\\0'"),
        new("52 unaligned L2 entry", Served.ReadOnly, "C t.qcow2 4M && IO -c 'write -q -P 3 0 64k' t.qcow2 && poke t.qcow2 262144 '\\200\\0\\0\\0\\0\\5\\2\\0'") { Unreadable = (0, 65536), Around = [] },
        new("53 COPIED clear, count 1", Served.Writable, "C t.qcow2 4M && IO -c 'write -q -P 3 0 64k' t.qcow2 && poke t.qcow2 262144 '\\0'"),
        new("54 used cluster with count 0", Served.ReadOnly, "C t.qcow2 4M && IO -c 'write -q -P 3 0 64k' t.qcow2 && poke t.qcow2 131082 '\\0\\0'"),
        new("55 leaked cluster", Served.Writable, "C t.qcow2 4M && IO -c 'write -q -P 3 0 128k' t.qcow2 && poke t.qcow2 262152 '\\0\\0\\0\\0\\0\\0\\0\\0'") { Verdicts = [CheckVerdict.Clean, CheckVerdict.LeaksOnly] },
        new("56 zero flag in version 2", Served.ReadOnly, "C -o compat=0.10 t.qcow2 4M && IO -c 'write -q -P 3 0 64k' t.qcow2 && poke t.qcow2 262151 '\\1'") { Unreadable = (0, 65536), Around = [] },
        new("57 L1 COPIED with offset 0", Served.Writable, "C t.qcow2 4M && poke t.qcow2 196608 '\\200\\0\\0\\0\\0\\0\\0\\0'"),
        new("58 refcount table points at itself", Served.ReadOnly, "C t.qcow2 64M && poke t.qcow2 65536 '\\0\\0\\0\\0\\0\\1\\0\\0'"),
        new("59 L1 larger than 32 MiB", Served.Refused, "C t.qcow2 4M && poke t.qcow2 36 '\\0\\100\\0\\1'") { Refusal = "L1 table" },
        new("60 65537 snapshots", Served.Refused, "C t.qcow2 4M && poke t.qcow2 60 '\\0\\1\\0\\1'") { Refusal = "65537 snapshots" },
        new("60b backing name of 1024", Served.Refused, "C t.qcow2 4M && poke t.qcow2 8 '\\0\\0\\0\\0\\0\\0\\20\\0\\0\\0\\4\\0'") { Refusal = "backing file name of 1024 bytes" },
        new("60c extension length", Served.Refused, "C t.qcow2 4M && poke t.qcow2 116 '\\377\\377\\377\\377'") { Refusal = "header extension" },
        new("60d version 4", Served.Refused, "C t.qcow2 4M && poke t.qcow2 7 '\\4'") { Refusal = "version 4" },
        new("60e crypt_method 3", Served.Refused, "C t.qcow2 4M && poke t.qcow2 32 '\\0\\0\\0\\3'") { Refusal = "encryption method 3" },
        new("61 cut inside the last cluster", Served.Writable, "C t.qcow2 4M && IO -c 'write -q -P 3 0 128k' t.qcow2 && truncate -s -60000 t.qcow2"),
        new("62 cut by more than a cluster", Served.ReadOnly, "C t.qcow2 4M && IO -c 'write -q -P 3 0 128k' t.qcow2 && truncate -s -70000 t.qcow2") { Unreadable = (65536, 65536), Around = Threes(61072) },
    ];

    private readonly MatrixRunner _runner = new(fixture, output);

    public static TheoryData<string> Names => MatrixRow.NamesOf(Rows);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Row(string name) => _runner.RunAsync(Rows, name);

    private static byte[] Threes(int length)
    {
        byte[] threes = new byte[length];
        threes.AsSpan().Fill(3);
        return threes;
    }
}
