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

    /// <summary>The disks of <see cref="Open"/>: a plain one of 4 MiB, one that is read only, a removable one, one to be sanitized, one to grow.</summary>
    internal const int Plain = 0, ReadOnly = 1, Removable = 2, Large = 3, Growing = 4, NoLun = 9;

    internal const int PlainBlocks = 8192;

    private DaemonProcess? _daemon;

    internal DaemonProcess Daemon => _daemon ?? throw new InvalidOperationException("the daemon was not started");

    internal SessionOptions Options => new() { TargetName = Open };

    public async Task InitializeAsync()
    {
        _daemon = await DaemonProcess.StartAsync();
        foreach (string target in new[] { Open, Crowded, Closing }) await Daemon.AddTargetAsync(target);
        await Daemon.MustAsync("ADDTARGET", new { target_name = Guarded, chap = new { name = User, secret = Secret } });
        await Daemon.MustAsync("ADDTARGET", new { target_name = Named, initiators = new[] { "iqn.2018-05.local:friend*" } });
        await Daemon.MustAsync("ADDTARGET", new { target_name = Near, networks = new[] { "192.0.2.0/24" } });
        foreach (int lun in new[] { Plain, ReadOnly, Removable, Large, Growing })
        {
            string disk = $"disk{lun}.qcow2";
            QemuImg.Create(Daemon.Disk(disk), lun == Large ? 256 << 20 : PlainBlocks * Cdb.BlockLength);
            await Daemon.MustAsync("ATTACH", new
            {
                target_name = Open,
                disk_path = disk,
                lun_id = lun,
                read_only = lun == ReadOnly,
                removable = lun == Removable,
                physical_block_size = 512,
            });
        }
    }

    public async Task DisposeAsync()
    {
        if (_daemon is not null) await _daemon.EndCleanlyAsync();
    }
}
