using System.Diagnostics;
using Newtonsoft.Json.Linq;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.EndToEnd.Tests.Load;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Matrix;

/// <summary>Takes a row through the daemon: attach, read and write through iSCSI, detach, and then qemu-img judges the file.</summary>
internal sealed class MatrixRunner(MatrixFixture fixture, ITestOutputHelper output)
{
    public const int MediumError = 0x031100, WriteProtected = 0x072700, OutOfRange = 0x052100;
    private const int Operations = 40, ReadPiece = 1 << 20;
    private static readonly TimeSpan RefusalLimit = TimeSpan.FromSeconds(2);
    private static int _targets;

    private readonly RandomSource _random = new(output.WriteLine);

    public DaemonProcess Daemon => fixture.Daemon;

    public async Task RunAsync(MatrixRow[] rows, string name)
    {
        MatrixRow row = rows.Single(one => one.Name == name);
        string directory = fixture.Make(row.Script);
        foreach (string disk in row.Disks)
        {
            string path = $"{directory}/{disk}";
            switch (row.Served)
            {
                case Served.Writable: await WriteAsync(row, path); break;
                case Served.ReadOnly: await ReadOnlyAsync(row, path); break;
                default: await RefuseAsync(row, path); break;
            }
            row.Afterwards?.Invoke(Daemon.Disk(path));
        }
        Assert.DoesNotContain(Daemon.OpenFiles(), file => file.StartsWith(Daemon.Disk(directory) + "/", StringComparison.Ordinal));
        Directory.Delete(Daemon.Disk(directory), recursive: true);
    }

    /// <summary>Attaches a disk to a target of its own, logs in, and does something with it; everything is as before afterwards.</summary>
    public async Task ServeAsync(string disk, Func<InitiatorSession, Task> use, bool readOnly = false)
    {
        string target = $"iqn.2018-05.local:matrix-{Interlocked.Increment(ref _targets)}";
        await Daemon.AddTargetAsync(target);
        await Daemon.MustAsync("ATTACH", new { disk_path = disk, target_name = target, read_only = readOnly });
        InitiatorSession session = await InitiatorSession.ReadyAsync(Daemon.Portal, new SessionOptions { TargetName = target });
        await using (session)
        {
            await use(session);
            await session.LogoutAsync();
        }
        await Daemon.DetachAsync(target);
        await Daemon.DeleteTargetAsync(target);
    }

    /// <summary>Tries to attach; the words of the refusal.</summary>
    public async Task<string> RefusedAsync(string disk, bool readOnly)
    {
        string target = $"iqn.2018-05.local:matrix-{Interlocked.Increment(ref _targets)}";
        await Daemon.AddTargetAsync(target);
        long started = Stopwatch.GetTimestamp();
        JObject reply = await Daemon.RequestAsync("ATTACH", new { disk_path = disk, target_name = target, read_only = readOnly });
        TimeSpan took = Stopwatch.GetElapsedTime(started);
        await Daemon.DeleteTargetAsync(target);
        string error = reply.Value<string>("error")!;
        output.WriteLine(error);
        Assert.NotEqual("", error);
        Assert.Contains(reply["result"]!.Value<string>("code"), new[] { "disk_in_use", "disk_unsupported", "disk_corrupt", "invalid_disk_path" });
        Assert.True(took < RefusalLimit, $"refused after {took}");
        return error;
    }

    public static async Task<long> CapacityAsync(InitiatorSession session)
    {
        byte[] capacity = new byte[32];
        await session.MustAsync(Cdb.ReadCapacity16(capacity));
        return (System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(capacity) + 1) * 512;
    }

    /// <summary>Random reads, writes, zeroings and unmaps on both parts of the model, and then both are read whole.</summary>
    public async Task OperateAsync(InitiatorSession session, MatrixDisk disk)
    {
        Assert.Equal(disk.Length, await CapacityAsync(session));
        await AssertReadsAsync(session, disk.Head, 0);
        await AssertReadsAsync(session, disk.Tail, disk.Length - disk.Tail.Length);
        DifferentialOperations operations = new(_random, disk.Head);
        for (int i = 0; i < Operations; i++) await operations.Next().RunAsync(session, disk.Head);
        // The rows' special places are at the start; the end may lie in a cluster that the disk cuts.
        await WriteAsync(session, disk.Head, 0, 0, 3);
        byte[] last = disk.Tail.Length > 0 ? disk.Tail : disk.Head;
        int lastBlocks = Math.Min(5, last.Length / 512);
        await WriteAsync(session, last, (disk.Length - last.Length) / 512, (last.Length / 512) - lastBlocks, lastBlocks);
        await session.MustAsync(Cdb.SynchronizeCache16());
        await WriteAsync(session, disk.Head, 0, disk.Head.Length / 1024, 2);
        await AssertReadsAsync(session, disk.Head, 0);
        await AssertReadsAsync(session, disk.Tail, disk.Length - disk.Tail.Length);
        byte[] block = new byte[512];
        Assert.Equal(OutOfRange, (await session.ExecuteAsync(Cdb.Read16(disk.Length / 512, block))).Sense);
    }

    public static async Task AssertReadsAsync(InitiatorSession session, byte[] expected, long offset)
    {
        for (int at = 0; at < expected.Length; at += ReadPiece)
        {
            byte[] data = new byte[Math.Min(ReadPiece, expected.Length - at)];
            await session.MustAsync(Cdb.Read16((offset + at) / 512, data));
            DifferentialOperation.AssertSame(expected.AsSpan(at, data.Length), data, offset + at, "read through iSCSI");
        }
    }

    private async Task WriteAsync(MatrixRow row, string disk)
    {
        string path = Daemon.Disk(disk);
        MatrixDisk model = new(path, row.Around);
        if (row.Capacity is { } capacity) Assert.Equal(capacity, model.Length);
        string[] snapshots = [.. row.Snapshots.Select(name => SnapshotHash(path, name))];
        await ServeAsync(disk, session => OperateAsync(session, model));
        model.AssertFile(row);
        Assert.Equal(snapshots, row.Snapshots.Select(name => SnapshotHash(path, name)));
    }

    private async Task ReadOnlyAsync(MatrixRow row, string disk)
    {
        string path = Daemon.Disk(disk);
        Assert.Contains(row.Refusal, await RefusedAsync(disk, readOnly: false), StringComparison.Ordinal);
        await ReadUntouchedAsync(row, disk, new MatrixDisk(path, row.Around));
    }

    /// <summary>Attached for reading: its content, no write, and not a byte or a time stamp of the file changes.</summary>
    public async Task ReadUntouchedAsync(MatrixRow row, string disk, MatrixDisk model)
    {
        string path = Daemon.Disk(disk), hash = RawImage.HashOf(path);
        DateTime written = File.GetLastWriteTimeUtc(path);
        await ServeAsync(disk, readOnly: true, use: async session =>
        {
            if (row.Unreadable is { } bad)
            {
                int end = (int)bad.Offset + bad.Length;
                await AssertReadsAsync(session, model.Head[..(int)bad.Offset], 0);
                await AssertReadsAsync(session, model.Head[end..], end);
                byte[] block = new byte[512];
                foreach (long at in new[] { bad.Offset, end - 512 })
                    Assert.Equal(MediumError, (await session.ExecuteAsync(Cdb.Read16(at / 512, block))).Sense);
            }
            else
            {
                await AssertReadsAsync(session, model.Head, 0);
            }
            Assert.Equal(WriteProtected, (await session.ExecuteAsync(Cdb.Write16(0, new byte[512]))).Sense);
            Assert.Equal(WriteProtected, (await session.ExecuteAsync(Cdb.Unmap((0, 8)))).Sense);
            byte[] mode = new byte[4];
            await session.MustAsync(new ScsiCommand([0x1A, 0x08, 0x3F, 0, (byte)mode.Length, 0]) { DataIn = mode });
            Assert.Equal(0x80, mode[2] & 0x80);
            await session.MustAsync(Cdb.SynchronizeCache16());
        });
        Assert.Equal(hash, RawImage.HashOf(path));
        Assert.Equal(written, File.GetLastWriteTimeUtc(path));
    }

    private async Task RefuseAsync(MatrixRow row, string disk)
    {
        foreach (bool readOnly in new[] { false, true })
            Assert.Contains(row.Refusal, await RefusedAsync(disk, readOnly), StringComparison.Ordinal);
    }

    private async Task WriteAsync(InitiatorSession session, byte[] part, long partLba, int block, int blocks)
    {
        byte[] data = _random.Bytes(blocks * 512);
        data.CopyTo(part, block * 512);
        await session.MustAsync(Cdb.Write16(partLba + block, data));
    }

    private static string SnapshotHash(string path, string snapshot)
    {
        QemuImg.Run("convert", "-f", "qcow2", "-O", "raw", "-l", $"snapshot.name={snapshot}", path, path + ".snapshot").EnsureSuccess();
        return RawImage.HashOf(path + ".snapshot");
    }
}
