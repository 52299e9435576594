using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>What initiators give back is given back to the file system, and reads as zeros whatever lies below.</summary>
public sealed class DiscardTests(DaemonFixture fixture) : IClassFixture<DaemonFixture>
{
    private const int Bytes = (8 << 20) - 1536;
    private const int Blocks = Bytes / 512;
    private readonly DaemonProcess _daemon = fixture.Daemon;
    private readonly string _target = $"iqn.2018-05.local:discard-{Guid.NewGuid():n}";
    private readonly string _disk = $"{Guid.NewGuid():n}.qcow2";

    private string Path => _daemon.Disk(_disk);

    [Theory]
    [InlineData("unmap")]
    [InlineData("write same")]
    [InlineData("zeros")]
    public async Task Space_comes_back_while_the_disk_is_attached(string way)
    {
        QemuImg.Create(Path, Bytes);
        await using InitiatorSession session = await AttachAsync(detectZeroes: way == "zeros");
        byte[] data = [.. Enumerable.Repeat((byte)7, 64 << 10)];
        for (int lba = 0; lba < Blocks; lba += 128) await session.MustAsync(Cdb.Write16(lba, data.AsMemory(0, Math.Min(128, Blocks - lba) * 512)));
        await session.MustAsync(Cdb.SynchronizeCache16());
        long full = Allocated();
        Assert.InRange(full, Bytes, long.MaxValue);

        // All but the first cluster; the last one counts as whole though the disk ends in it.
        if (way == "unmap") await session.MustAsync(Cdb.Unmap((128, Blocks - 128)));
        else if (way == "write same") await session.MustAsync(Cdb.WriteSame16Unmap(128, Blocks - 128));
        else for (int lba = 128; lba < Blocks; lba += 256) await session.MustAsync(Cdb.Write16(lba, new byte[Math.Min(256, Blocks - lba) * 512]));
        await session.MustAsync(Cdb.SynchronizeCache16());
        await Eventually.That(() => Allocated() <= 1 << 20, TimeSpan.FromSeconds(10), "the file takes little space");

        byte[] read = new byte[data.Length];
        await session.MustAsync(Cdb.Read16(0, read));
        Assert.Equal(-1, read.AsSpan().IndexOfAnyExcept((byte)7));
        for (int lba = 128; lba < Blocks; lba += 128)
        {
            Memory<byte> piece = read.AsMemory(0, Math.Min(128, Blocks - lba) * 512);
            await session.MustAsync(Cdb.Read16(lba, piece));
            Assert.Equal(-1, piece.Span.IndexOfAnyExcept((byte)0));
        }
        await EndAsync(session);
    }

    [Theory]
    [InlineData("compat=1.1")]
    [InlineData("compat=0.10")]
    public async Task Above_a_base_zeros_stay_zeros(string compat)
    {
        string below = $"{_disk}.raw";
        RawImage.Of(_daemon.Disk(below), [.. Enumerable.Repeat((byte)9, 8 << 20)]);
        QemuImg.CreateOverlay(Path, below, "raw", Bytes, compat);
        await using InitiatorSession session = await AttachAsync(detectZeroes: true);
        await session.MustAsync(Cdb.Unmap((128, 1280)));
        await session.MustAsync(Cdb.Write16(2048, new byte[256 << 10]));
        await session.MustAsync(Cdb.WriteSame16Unmap(Blocks - 200, 200));
        await EndAsync(session);
        string[] reads = ["read -P 9 0 64k", "read -P 0 64k 640k", "read -P 9 704k 320k", "read -P 0 1M 256k", $"read -P 9 1280k {((Blocks - 200) * 512) - (1280 << 10)}", $"read -P 0 {(Blocks - 200) * 512} {200 * 512}"];
        QemuImg.IoWith(["-r", "-f", "qcow2"], Path, reads).EnsureSuccess();
        // Version 3 marks zero clusters and takes space for the ends only, version 2 has to write zeros.
        if (compat == "compat=1.1") Assert.InRange(Allocated(), 0, 600 << 10);
    }

    /// <summary>SANITIZE OVERWRITE promises that what was on the medium is written over (SBC-3 4.11.2), which space that is given back is not.</summary>
    [Fact]
    public async Task An_overwrite_with_zeros_takes_all_the_space_also_where_zeros_are_detected()
    {
        QemuImg.Create(Path, Bytes);
        await using InitiatorSession session = await AttachAsync(detectZeroes: true);
        await session.MustAsync(new ScsiCommand([0x48, 0x01, 0, 0, 0, 0, 0, 0, 5, 0]) { DataOut = (byte[])[1, 0, 0, 1, 0] });
        Assert.InRange(Allocated(), Bytes, long.MaxValue);
        await EndAsync(session);
        Assert.InRange(Allocated(), Bytes, long.MaxValue);
    }

    [Fact]
    public async Task Detection_is_kept_with_the_lun_and_shown()
    {
        QemuImg.Create(Path, Bytes);
        await using InitiatorSession session = await AttachAsync(detectZeroes: true);
        JToken lun = (await _daemon.MustAsync("LIST", new { target_name = _target }))[_target]!["logical_units"]![0]!;
        Assert.True(lun.Value<bool>("detect_zeroes"));
        Assert.Contains("\"zero_detection\": \"On\"", await File.ReadAllTextAsync(System.IO.Path.Combine(_daemon.StateFolder, "state.json")), StringComparison.Ordinal);
        await session.MustAsync(Cdb.Write16(0, new byte[1 << 20]));
        await EndAsync(session);
        Assert.InRange(Allocated(), 0, 400 << 10);
    }

    private long Allocated() => HostFile.AllocatedBytes(Path);

    private async Task<InitiatorSession> AttachAsync(bool detectZeroes)
    {
        await _daemon.AddTargetAsync(_target);
        await _daemon.MustAsync("ATTACH", new { target_name = _target, disk_path = _disk, detect_zeroes = detectZeroes });
        return await InitiatorSession.ReadyAsync(_daemon.Portal, new SessionOptions { TargetName = _target });
    }

    private async Task EndAsync(InitiatorSession session)
    {
        await session.LogoutAsync();
        await _daemon.DetachAsync(_target);
        Assert.True(QemuImg.Check(Path, out string words) == CheckVerdict.Clean, words);
    }
}
