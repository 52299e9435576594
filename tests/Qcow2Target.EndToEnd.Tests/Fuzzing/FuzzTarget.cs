using System.Net;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;
using Qcow2Target.Testing.Fuzzing;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>
/// One worker's target: LUN 0 may be written, LUN 1 is read-only, LUN 2 is kept from all writers by a persistent reservation, LUN 3 is removable. Another
/// target of the worker's own has a CHAP secret that the fuzzer knows; one whose secret it does not know belongs to all workers, for nobody comes to do anything there.
/// </summary>
internal sealed class FuzzTarget
{
    public const string ClosedName = "iqn.2018-05.local:fuzz-closed";
    public const long DiskBytes = 2 << 20;
    private const byte RegisterAndIgnore = 6, Reserve = 1, WriteExclusive = 1;
    private const byte Filling = 0x6B;

    private FuzzTarget(DaemonProcess daemon, string name) => (Daemon, Name) = (daemon, name);

    public static (string User, string Secret) Known { get; } = ("fuzz", "a secret of 20 bytes");

    public DaemonProcess Daemon { get; }
    public string Name { get; }
    public string KnownName => Name.Replace("fuzz-target", "fuzz-known", StringComparison.Ordinal);
    public string KnownPath => Daemon.Disk($"{KnownName["iqn.2018-05.local:".Length..]}.qcow2");
    public IPEndPoint Portal => Daemon.Portal;

    public DiskModel Scratch { get; } = new(DiskBytes / MediumChanges.BlockBytes);
    public DiskModel ReadOnly { get; } = new(DiskBytes / MediumChanges.BlockBytes);
    public DiskModel Guarded { get; } = new(DiskBytes / MediumChanges.BlockBytes);

    /// <summary>Of the LUNs' VPD pages 83h.</summary>
    public List<byte[]> Designators { get; } = [];

    /// <summary>Key under which the guard has reserved LUN 2.</summary>
    public ulong GuardKey { get; } = 0x5EC0_0000_0000_0000 | (ulong)Random.Shared.NextInt64(1L << 40);

    /// <summary>What MODE SENSE of all pages says when nobody has changed any.</summary>
    public byte[] Modes { get; private set; } = [];

    /// <summary>The target that all workers share.</summary>
    public static async Task AddSharedAsync(DaemonProcess daemon)
    {
        await AddWithChapAsync(daemon, ClosedName, $"nobody knows {Guid.NewGuid():n}");
        await daemon.MustAsync("ATTACH", new { disk_path = Disk(daemon, "closed", fill: true), target_name = ClosedName });
    }

    public static async Task<FuzzTarget> AddAsync(DaemonProcess daemon, int number)
    {
        FuzzTarget target = new(daemon, $"iqn.2018-05.local:fuzz-target-{number}");
        await daemon.AddTargetAsync(target.Name);
        for (int lun = 0; lun < 4; lun++)
        {
            string disk = Disk(daemon, $"fuzz-{number}-{lun}", fill: lun is 1 or 2);
            await daemon.MustAsync("ATTACH", new { disk_path = disk, target_name = target.Name, lun_id = lun, read_only = lun == 1, removable = lun == 3 });
        }
        await AddWithChapAsync(daemon, target.KnownName, Known.Secret);
        await daemon.MustAsync("ATTACH", new { disk_path = Disk(daemon, System.IO.Path.GetFileNameWithoutExtension(target.KnownPath), fill: true), target_name = target.KnownName, read_only = true });
        await target.PrepareAsync();
        return target;
    }

    private static Task AddWithChapAsync(DaemonProcess daemon, string name, string secret) =>
        daemon.MustAsync("ADDTARGET", new { target_name = name, chap = new[] { new { name = Known.User, secret } } });

    public string Path(int lun) => Daemon.Disk($"{Name.Replace("iqn.2018-05.local:fuzz-target-", "fuzz-", StringComparison.Ordinal)}-{lun}.qcow2");

    /// <summary>A session of who looks after the target between two conversations.</summary>
    public Task<InitiatorSession> LogInAsync(string initiator = "iqn.2018-05.local:judge") =>
        InitiatorSession.LoginAsync(Portal, new SessionOptions { TargetName = Name, InitiatorName = initiator, MaxBurstLength = 1 << 20 });

    public static ScsiCommand ReserveOut(int lun, byte action, byte type, ulong key, ulong actionKey)
    {
        byte[] list = new byte[24];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(list, key);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(list.AsSpan(8), actionKey);
        return new ScsiCommand([0x5F, action, type, 0, 0, 0, 0, 0, 24, 0]) { DataOut = list, Lun = lun };
    }

    public static ScsiCommand ModeSense(Memory<byte> data) => new([0x5A, 0x08, 0x3F, 0xFF, 0, 0, 0, (byte)(data.Length >> 8), (byte)data.Length, 0]) { DataIn = data };

    private async Task PrepareAsync()
    {
        await using (InitiatorSession guard = await LogInAsync("iqn.2018-05.local:guard"))
        {
            await guard.TakeUnitAttentionsAsync(2);
            await guard.MustAsync(ReserveOut(2, RegisterAndIgnore, 0, 0, GuardKey));
            await guard.MustAsync(ReserveOut(2, Reserve, WriteExclusive, GuardKey, 0));
            await guard.LogoutAsync();
        }
        await using InitiatorSession judge = await LogInAsync();
        for (int lun = 0; lun < 4; lun++)
        {
            await judge.TakeUnitAttentionsAsync(lun);
            byte[] page = new byte[255];
            await judge.ExecuteAsync(Cdb.Inquiry(0x83, page) with { Lun = lun });
            for (int at = 4; at + 4 <= 4 + page[3] && (page[at + 1] & 0x30) == 0; at += 4 + page[at + 3]) Designators.Add(page[at..(at + 4 + page[at + 3])]);
        }
        byte[] modes = new byte[512];
        await judge.ExecuteAsync(ModeSense(modes));
        Modes = modes;
        foreach ((int lun, DiskModel model) in new[] { (0, Scratch), (1, ReadOnly), (2, Guarded) })
        {
            model.Touch([new BlockSpan(0, model.Blocks)]);
            model.Check(await ReadAsync(judge, lun), Name);
        }
        await judge.LogoutAsync();
    }

    public static async Task<byte[]> ReadAsync(InitiatorSession session, int lun)
    {
        byte[] content = new byte[DiskBytes];
        await session.MustAsync(Cdb.Read16(0, content) with { Lun = lun });
        return content;
    }

    private static string Disk(DaemonProcess daemon, string name, bool fill)
    {
        string file = $"{name}.qcow2";
        QemuImg.Create(daemon.Disk(file), DiskBytes, "cluster_size=4096");
        QemuImg.Io(daemon.Disk(file), $"write -P {(fill ? Filling : 1)} 0 {(fill ? DiskBytes : DiskBytes / 2)}").EnsureSuccess();
        return file;
    }
}
