using System.Net;
using System.Net.Sockets;
using System.Text;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>Rows 33 to 49 of the matrix: backing files, declared, found, missing, forbidden.</summary>
[Collection(MatrixCollection.Name)]
public sealed class ChainRows(MatrixFixture fixture, ITestOutputHelper output)
{
    private static readonly MatrixRow[] Rows =
    [
        new("33 raw base", Served.Writable, "C -b base.raw -F raw t.qcow2"),
        new("34 qcow2 base", Served.Writable, "C -b base.qcow2 -F qcow2 t.qcow2"),
        new("34b qcow2 base, version 2", Served.Writable, "C -o compat=0.10 -b base.qcow2 -F qcow2 t.qcow2"),
        new("35 longer than its base", Served.Writable, "C -b base.qcow2 -F qcow2 t.qcow2 8M"),
        new("36 shorter than its base", Served.Writable, "C -b base.qcow2 -F qcow2 t.qcow2 1000k") { Capacity = 1000 << 10 },
        new("37 base ends within a sector", Served.Writable, "truncate -s 100001 base.raw && C -b base.raw -F raw t.qcow2 1M"),
        new("38 clusters of 512 bytes over 2 MiB", Served.Writable, "C -o cluster_size=2M b2.qcow2 8M && IO -c 'write -q -P 2 1M 1M' b2.qcow2 && C -o cluster_size=512 -b b2.qcow2 -F qcow2 t.qcow2"),
        new("39 chain of ten", Served.Writable, "p=base.qcow2; for i in 1 2 3 4 5 6 7 8 9 10; do C -b $p -F qcow2 c$i.qcow2 && IO -c \"write -q -P $i ${i}00k 64k\" c$i.qcow2; p=c$i.qcow2; done") { Disks = ["c10.qcow2"] },
        new("40 base is missing", Served.Refused, "C -b base.qcow2 -F qcow2 t.qcow2 && rm base.qcow2") { Refusal = "base.qcow2" },
        new("41 no declared format, qcow2 by magic", Served.Writable, "C -b base.qcow2 -F qcow2 t.qcow2 && poke t.qcow2 112 '\\177'"),
        new("41b no declared format, not qcow2", Served.Refused, "C -b base.raw -F raw t.qcow2 && poke t.qcow2 112 '\\177'") { Refusal = "qemu-img rebase -u -F raw -b base.raw IMAGE" },
        new("42 qcow2 declared as raw", Served.Writable, "C -b base.qcow2 -F raw t.qcow2"),
        new("43 json: name", Served.Refused, "C -u -b 'json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"base.raw\"}}' -F raw t.qcow2 4M") { Refusal = "json:" },
        new("44b file: name", Served.Refused, "C -u -b file:base.qcow2 -F qcow2 t.qcow2 4M") { Refusal = "file:" },
        new("45 colon behind a slash", Served.Writable, "cp base.qcow2 a:b.qcow2 && C -b ./a:b.qcow2 -F qcow2 t.qcow2"),
        new("46 loop", Served.Refused, "C -u -b b.qcow2 -F qcow2 t.qcow2 4M && C -u -b t.qcow2 -F qcow2 b.qcow2 4M") { Refusal = "" },
        new("46b loop below", Served.Refused, "C -u -b b.qcow2 -F qcow2 c.qcow2 4M && C -u -b c.qcow2 -F qcow2 b.qcow2 4M && C -u -b b.qcow2 -F qcow2 t.qcow2 4M") { Refusal = "loop" },
        new("47 base outside the roots", Served.Refused, "C -u -b ../../../../../../../../etc/passwd -F raw t.qcow2 4M") { Refusal = "outside" },
        new("48 base is a pipe", Served.Refused, "mkfifo ff && C -u -b ff -F raw t.qcow2 4M") { Refusal = "neither a regular file" },
        new("49 two bases of one name", Served.Refused, "mkdir d && cp base.qcow2 d/ && C -u -b base.qcow2 -F qcow2 d/o.qcow2 4M && ln -s d/o.qcow2 t.qcow2") { Refusal = "ambiguous" },
    ];

    private readonly MatrixRunner _runner = new(fixture, output);

    public static TheoryData<string> Names => MatrixRow.NamesOf(Rows);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Row(string name) => _runner.RunAsync(Rows, name);

    [Fact]
    public async Task Row_36_what_the_base_has_behind_the_end_stays_hidden_when_the_disk_grows()
    {
        string directory = fixture.Make("C -b base.qcow2 -F qcow2 t.qcow2 1000k");
        string disk = $"{directory}/t.qcow2";
        const int before = 1000 << 10, after = 3000 << 10;
        string target = "iqn.2018-05.local:matrix-grow";
        await fixture.Daemon.AddTargetAsync(target);
        await fixture.Daemon.AttachAsync(target, disk);
        await fixture.Daemon.MustAsync("RESIZE", new { target_name = target, lun_id = 0, size = after });
        byte[] expected = new byte[after];
        expected.AsSpan(0, before).Fill(0xb1);
        await using (InitiatorSession session = await InitiatorSession.ReadyAsync(fixture.Daemon.Portal, new SessionOptions { TargetName = target }))
        {
            Assert.Equal(after, await MatrixRunner.CapacityAsync(session));
            await MatrixRunner.AssertReadsAsync(session, expected, 0);
            await session.LogoutAsync();
        }
        await fixture.Daemon.DetachAsync(target);
        await fixture.Daemon.DeleteTargetAsync(target);
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(fixture.Daemon.Disk(disk)));
        File.WriteAllBytes(fixture.Daemon.Disk($"{directory}/model"), expected);
        Assert.True(QemuImg.Compare(fixture.Daemon.Disk(disk), "qcow2", fixture.Daemon.Disk($"{directory}/model"), "raw"));
    }

    [Fact]
    public async Task Row_42_the_header_of_a_qcow2_base_that_is_declared_raw_is_data()
    {
        string directory = fixture.Make("C -b base.qcow2 -F raw t.qcow2");
        byte[] start = new byte[512];
        await _runner.ServeAsync($"{directory}/t.qcow2", session => session.MustAsync(Cdb.Read16(0, start)));
        Assert.Equal("QFI\u00fb", Encoding.Latin1.GetString(start, 0, 4));
    }

    [Fact]
    public async Task Row_44_a_name_of_a_protocol_is_refused_and_nobody_is_called()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        string directory = fixture.Make($"C -u -b nbd://127.0.0.1:{port}/x -F raw t.qcow2 4M");
        foreach (bool readOnly in new[] { false, true })
            Assert.Contains("nbd:", await _runner.RefusedAsync($"{directory}/t.qcow2", readOnly), StringComparison.Ordinal);
        Assert.False(listener.Pending());
    }
}
