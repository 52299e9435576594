using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.EndToEnd.Tests.Initiator;
using Qcow2Target.Testing;

namespace Qcow2Target.EndToEnd.Tests.Refusals;

/// <summary>One daemon with a target of each kind that refuses something.</summary>
public sealed class RefusalFixture : IAsyncLifetime
{
    internal const string Open = "iqn.2018-05.local:open", Guarded = "iqn.2018-05.local:guarded", Named = "iqn.2018-05.local:named", Near = "iqn.2018-05.local:near";
    internal const string Crowded = "iqn.2018-05.local:crowded", Closing = "iqn.2018-05.local:closing";
    internal const string User = "board", Secret = "twelve bytes or more";

    /// <summary>
    /// The disks of <see cref="Open"/>: a plain one of 4 MiB, one that is read only, a removable one, one to be sanitized, one whose modes and size change,
    /// one whose first table entry points at metadata, one whose file ends before its data.
    /// </summary>
    internal const int Plain = 0, ReadOnly = 1, Removable = 2, Large = 3, Growing = 4, Damaged = 5, Cut = 6, NoLun = 9;

    internal const int PlainBlocks = 8192, GrowingBytes = 64 << 20;

    private const int FirstTable = 256 << 10;
    private static readonly byte[] PointsAtL1 = [0x80, 0, 0, 0, 0, 3, 0, 0];

    private DaemonProcess? _daemon;

    internal DaemonProcess Daemon => _daemon ?? throw new InvalidOperationException("the daemon was not started");

    internal static IReadOnlyList<int> Luns { get; } = [Plain, ReadOnly, Removable, Large, Growing, Damaged, Cut];

    internal SessionOptions Options => new() { TargetName = Open };

    public async Task InitializeAsync()
    {
        _daemon = await DaemonProcess.StartAsync();
        foreach (string target in new[] { Open, Crowded, Closing }) await Daemon.AddTargetAsync(target);
        await Daemon.MustAsync("ADDTARGET", new { target_name = Guarded, chap = new { name = User, secret = Secret } });
        await Daemon.MustAsync("ADDTARGET", new { target_name = Named, initiators = new[] { "iqn.2018-05.local:friend*" } });
        await Daemon.MustAsync("ADDTARGET", new { target_name = Near, networks = new[] { "192.0.2.0/24" } });
        foreach (int lun in Luns)
        {
            string disk = $"disk{lun}.qcow2";
            QemuImg.Create(Daemon.Disk(disk), lun == Large ? 256 << 20 : lun == Growing ? GrowingBytes : PlainBlocks * Cdb.BlockLength);
            Damage(Daemon.Disk(disk), lun);
            await Daemon.MustAsync("ATTACH", new
            {
                target_name = Open,
                disk_path = disk,
                lun_id = lun,
                read_only = lun is ReadOnly or Damaged or Cut,
                removable = lun == Removable,
                physical_block_size = 512,
            });
        }
    }

    private static void Damage(string path, int lun)
    {
        if (lun is not (Damaged or Cut)) return;
        QemuImg.Io(path, "write -q -P 3 0 128k").EnsureSuccess();
        using FileStream file = new(path, FileMode.Open);
        if (lun == Cut)
        {
            file.SetLength(file.Length - 70000);
            return;
        }
        file.Position = FirstTable;
        file.Write(PointsAtL1);
    }

    public async Task DisposeAsync()
    {
        if (_daemon is not null) await _daemon.EndCleanlyAsync();
    }
}
