using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.EndToEnd.Tests.Load;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>
/// Random operations through several sessions at once against a byte array; at the end the whole disk, and the file itself by qemu-img
/// and qemu-io.
/// </summary>
[Collection(HeavyCollection.Name)]
public sealed class DifferentialTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Operations = 20_000, InProgress = 24;
    private const string Target = "iqn.2018-05.local:differential";

    /// <summary>Ways to cut data that initiators in use have, with and without digests.</summary>
    private static readonly SessionOptions[] Initiators =
    [
        new() { TargetName = Target },
        new() { TargetName = Target, HeaderDigest = "CRC32C", DataDigest = "CRC32C", MaxBurstLength = 16384, FirstBurstLength = 8192 },
        new() { TargetName = Target, ImmediateData = false, InitialR2T = true, MaxRecvDataSegmentLength = 8192 },
        new() { TargetName = Target, ImmediateData = false, DataDigest = "CRC32C", MaxOutstandingR2T = 4 },
    ];

    private readonly RandomSource _random = new(output.WriteLine);
    private DaemonProcess? _started;

    private DaemonProcess Daemon => _started!;

    public async Task InitializeAsync()
    {
        _started = await DaemonProcess.StartAsync(output);
        await Daemon.AddTargetAsync(Target);
    }

    public Task DisposeAsync() => Daemon.EndCleanlyAsync();

    [Fact]
    public Task An_empty_disk()
    {
        const int bytes = 64 * 1024 * 1024 + 5 * 512;
        QemuImg.Create(Daemon.Disk("disk.qcow2"), bytes);
        return RunAsync(new byte[bytes]);
    }

    [Fact]
    public Task An_overlay_on_a_shorter_compressed_base()
    {
        const int bytes = 64 * 1024 * 1024 + 33 * 512;
        byte[] content = BaseContent(bytes, 40 * 1024 * 1024 + 512);
        QemuImg.Convert(RawImage.Of(Daemon.Disk("base.raw"), content[..(40 * 1024 * 1024 + 512)]), "raw", Daemon.Disk("base.qcow2"), "qcow2", "-c");
        QemuImg.CreateOverlay(Daemon.Disk("disk.qcow2"), "base.qcow2", size: bytes);
        return RunAsync(content);
    }

    [Fact]
    public Task Small_clusters_on_a_longer_raw_base()
    {
        const int bytes = 32 * 1024 * 1024 + 7 * 512;
        byte[] content = BaseContent(48 * 1024 * 1024, 48 * 1024 * 1024);
        RawImage.Of(Daemon.Disk("base.raw"), content);
        QemuImg.CreateOverlay(Daemon.Disk("disk.qcow2"), "base.raw", "raw", bytes, "cluster_size=4096");
        return RunAsync(content[..bytes]);
    }

    [Fact]
    public Task An_old_version_2_overlay()
    {
        const int bytes = 32 * 1024 * 1024 + 3 * 512;
        byte[] content = BaseContent(bytes, bytes);
        QemuImg.Convert(RawImage.Of(Daemon.Disk("base.raw"), content), "raw", Daemon.Disk("base.qcow2"), "qcow2", "-o", "compat=0.10");
        QemuImg.CreateOverlay(Daemon.Disk("disk.qcow2"), "base.qcow2", options: "compat=0.10");
        return RunAsync(content);
    }

    private byte[] BaseContent(int bytes, int used)
    {
        byte[] content = new byte[bytes];
        for (int at = 0; at < used; at += 32768)
        {
            // Repeated bytes, so that the base compresses, with holes between.
            if (_random.Next(4) != 0) content.AsSpan(at, Math.Min(32768, used - at)).Fill((byte)_random.Next(1, 256));
        }
        return content;
    }

    private async Task RunAsync(byte[] model)
    {
        await Daemon.AttachAsync(Target, "disk.qcow2");
        InitiatorSession[] sessions = await Task.WhenAll(Initiators.Select(options => InitiatorSession.ReadyAsync(Daemon.Portal, options)));
        await RunOperationsAsync(sessions, model);
        await ReadAllAsync(sessions[0], model);
        foreach (InitiatorSession session in sessions) await session.LogoutAsync();
        await Daemon.DetachAsync(Target);
        CheckFile(model);
    }

    private async Task RunOperationsAsync(InitiatorSession[] sessions, byte[] model)
    {
        DifferentialOperations operations = new(_random, model);
        List<(DifferentialOperation Operation, Task Running)> inProgress = [];
        for (int i = 0; i < Operations; i++)
        {
            DifferentialOperation operation = operations.Next();
            // What would touch the blocks of another operation waits: their order is the model's order.
            while (inProgress.Count >= InProgress || inProgress.Any(other => other.Operation.Conflicts(operation))) await FinishOneAsync(inProgress);
            InitiatorSession session = sessions[_random.Next(sessions.Length)];
            inProgress.Add((operation, operation.RunAsync(session, model)));
        }
        while (inProgress.Count > 0) await FinishOneAsync(inProgress);
    }

    private static async Task FinishOneAsync(List<(DifferentialOperation Operation, Task Running)> inProgress)
    {
        Task finished = await Task.WhenAny(inProgress.Select(entry => entry.Running));
        inProgress.RemoveAll(entry => entry.Running == finished);
        await finished;
    }

    private static async Task ReadAllAsync(InitiatorSession session, byte[] model)
    {
        const int piece = 512 * 1024;
        for (int at = 0; at < model.Length; at += piece)
        {
            byte[] data = new byte[Math.Min(piece, model.Length - at)];
            await session.MustAsync(Cdb.Read16(at / 512, data));
            DifferentialOperation.AssertSame(model.AsSpan(at, data.Length), data, at, "the whole disk at the end");
        }
    }

    private void CheckFile(byte[] model)
    {
        string disk = Daemon.Disk("disk.qcow2");
        Assert.True(QemuImg.Check(disk, out string words) == CheckVerdict.Clean, words);
        RawImage.Of(Daemon.Disk("model.raw"), model);
        Assert.True(QemuImg.Compare(Daemon.Disk("model.raw"), "raw", disk, "qcow2"), "the file and the model");
        string[] reads = [.. UniformRanges(model).Take(200)];
        Assert.NotEmpty(reads);
        QemuImg.IoWith(["-r", "-f", "qcow2"], disk, reads).EnsureSuccess();
    }

    private IEnumerable<string> UniformRanges(byte[] model)
    {
        for (int tries = 0; tries < 20_000; tries++)
        {
            int at = _random.Next(model.Length / 512) * 512, length = Math.Min(_random.Next(1, 64) * 512, model.Length - at);
            if (!model.AsSpan(at, length).ContainsAnyExcept(model[at])) yield return $"read -P {model[at]} {at} {length}";
        }
    }
}
