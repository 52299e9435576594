using System.Buffers.Binary;
using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>A disk grows while initiators use it.</summary>
public sealed class ResizeTests(DaemonFixture fixture) : IClassFixture<DaemonFixture>
{
    private const int CapacityChanged = 0x06_2A_09;
    private readonly DaemonProcess _daemon = fixture.Daemon;
    private readonly string _target = $"iqn.2018-05.local:resize-{Guid.NewGuid():n}";

    [Fact]
    public async Task A_disk_under_load_grows_above_a_longer_base_and_everybody_is_told()
    {
        const int before = (4 << 20) - 1024, workers = 4, each = 64;
        string disk = $"{_target[^8..]}.qcow2", name = $"{_target[^8..]}.raw";
        RawImage.Of(_daemon.Disk(name), [.. Enumerable.Repeat((byte)0xB0, 24 << 20)]);
        QemuImg.CreateOverlay(_daemon.Disk(disk), name, "raw", before, "cluster_size=512");
        await _daemon.AddTargetAsync(_target);
        await _daemon.AttachAsync(_target, disk);
        await using InitiatorSession session = await ReadyAsync();
        await using InitiatorSession other = await ReadyAsync();

        bool goOn = true;
        int attentions = 0;
        Task[] load = [.. Enumerable.Range(0, workers).Select(worker => Task.Run(() => WriteAsync(worker)))];
        long size = before;
        foreach (long grown in new[] { 5L << 20, (5L << 20) + 512, 20L << 20, 1L << 30, 8L << 30 })
        {
            JToken reply = await _daemon.MustAsync("RESIZE", new { target_name = _target, lun_id = 0, size = grown });
            Assert.Equal(grown, reply.Value<long>("size"));
            Assert.Equal(CapacityChanged, (await other.ExecuteAsync(Cdb.TestUnitReady())).Sense);
            byte[] capacity = new byte[32];
            await other.MustAsync(Cdb.ReadCapacity16(capacity));
            Assert.Equal(grown / 512 - 1, BinaryPrimitives.ReadInt64BigEndian(capacity));
            size = grown;
        }
        Volatile.Write(ref goOn, false);
        await Task.WhenAll(load);
        Assert.InRange(attentions, 1, 5);

        byte[] read = new byte[64 << 10];
        foreach (long lba in new[] { before / 512, (5L << 20) / 512 + 1, (20L << 20) / 512 - 128, (size / 512) - 128 })
        {
            await other.MustAsync(Cdb.Read16(lba, read));
            Assert.Equal(-1, read.AsSpan().IndexOfAnyExcept((byte)0));
        }
        await other.MustAsync(Cdb.Read16(before / 512 - 1, read.AsMemory(0, 512)));
        Assert.Equal(0xB0, read[511]);
        await other.MustAsync(Cdb.Write16(size / 512 - 1, read.AsMemory(0, 512)));
        JObject list = (JObject)await _daemon.MustAsync("LIST", new { target_name = _target });
        Assert.Equal(size, list[_target]!["logical_units"]![0]!.Value<long>("size_bytes"));
        await session.LogoutAsync();
        await other.LogoutAsync();
        await _daemon.DetachAsync(_target);

        Assert.True(QemuImg.Check(_daemon.Disk(disk), out string words) == CheckVerdict.Clean, words);
        Assert.Equal(size, QemuImg.Info(_daemon.Disk(disk)).GetProperty("virtual-size").GetInt64());
        string[] reads =
        [
            .. Enumerable.Range(0, workers).Select(worker => $"read -P {worker + 1} {(worker * each * 16L) * 512} {each * 512}"),
            $"read -P 0 {before} 20M", $"read -P 0xb0 {before - 512} 512", $"read -P 0xb0 {size - 512} 512", $"read -P 0 {size - (1 << 20)} 1048064",
        ];
        QemuImg.IoWith(["-r", "-f", "qcow2"], _daemon.Disk(disk), reads).EnsureSuccess();

        async Task WriteAsync(int worker)
        {
            byte[] block = [.. Enumerable.Repeat((byte)(worker + 1), 512)];
            for (int i = 0; Volatile.Read(ref goOn) || i < each; i++)
            {
                ScsiResult result = await session.ExecuteAsync(Cdb.Write16(worker * each * 16L + i % each, block));
                if (result.IsGood) continue;
                Assert.Equal(CapacityChanged, result.Sense);
                Interlocked.Increment(ref attentions);
                i--;
            }
        }
    }

    [Fact]
    public async Task What_cannot_be_is_refused_by_name()
    {
        string disk = $"{_target[^8..]}-refused.qcow2";
        QemuImg.Create(_daemon.Disk(disk), 1 << 20, "cluster_size=512");
        await RefusedAsync("target_not_found", 0, 1000);
        await _daemon.AddTargetAsync(_target);
        await RefusedAsync("lun_not_found", 0, 1 << 20);
        await _daemon.AttachAsync(_target, disk);
        await RefusedAsync("cannot_shrink", 0, 512);
        await RefusedAsync("invalid_size", 0, 1000);
        await RefusedAsync("invalid_size", 0, 0);
        await RefusedAsync("disk_too_large", 0, 1L << 40);
        await RefusedAsync("lun_not_found", -1, 1 << 20);
        Assert.Equal(1 << 20, (await _daemon.MustAsync("RESIZE", new { target_name = _target, lun_id = 0, size = 1 << 20 })).Value<long>("size"));
        await _daemon.ClearTargetAsync(_target);
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(_daemon.Disk(disk)));

        async Task RefusedAsync(string code, int lun, long bytes)
        {
            JObject reply = await _daemon.RequestAsync("RESIZE", new { target_name = _target, lun_id = lun, size = bytes });
            Assert.Equal(code, reply["result"]!.Value<string>("code"));
        }
    }

    private Task<InitiatorSession> ReadyAsync() => InitiatorSession.ReadyAsync(_daemon.Portal, new SessionOptions { TargetName = _target });
}
