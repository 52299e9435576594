using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>The Linux kernel's own initiator in a virtual machine: file systems, discard, power cuts, changes while it runs, digests, CHAP.</summary>
[Collection(HeavyCollection.Name)]
public sealed class LinuxGuestTests(ITestOutputHelper output)
{
    private const string Target = "iqn.2018-05.local:guest";
    private const string Initiator = "iqn.2018-05.local:vm";

    [Fact]
    public async Task A_file_system_is_made_trimmed_and_found_again_after_a_reboot()
    {
        await using DaemonProcess daemon = await StartAsync();
        await daemon.MustAsync("SETACCESS", new
        {
            target_name = Target,
            chap = new { name = "board", secret = "a board's secret" },
            mutual_chap = new { name = "target", secret = "the target's own" },
            initiators = new[] { Initiator },
        });
        string disk = daemon.Disk("disk.qcow2");
        await using (LinuxGuest guest = LinuxGuest.Start(output, $"""
            set -e
            start_iscsid {Initiator}
            make_node {Target} {Portal(daemon)}
            set_node {Target} node.session.auth.authmethod CHAP
            set_node {Target} node.session.auth.username board
            set_node {Target} node.session.auth.password "a board's secret"
            set_node {Target} node.session.auth.username_in target
            set_node {Target} node.session.auth.password_in "the target's own"
            set_node {Target} 'node.conn[0].iscsi.HeaderDigest' CRC32C
            set_node {Target} 'node.conn[0].iscsi.DataDigest' CRC32C
            login {Target}
            say digests $(iscsiadm -m session -P 2 | grep -c 'Digest: CRC32C')
            /usr/sbin/mke2fs -q -t ext4 /dev/sda
            mount /dev/sda /mnt
            dd if=/dev/urandom of=/mnt/kept bs=1M count=8 2>/dev/null
            dd if=/dev/urandom of=/mnt/gone bs=1M count=48 2>/dev/null
            sync
            say sum $(sha256sum </mnt/kept)
            say written
            hear
            rm /mnt/gone
            sync
            /usr/sbin/fstrim /mnt
            say trimmed
            hear
            umount /mnt
            iscsiadm -m session -u
            """))
        {
            await guest.HearAsync("written");
            Assert.Contains("guest: digests 2", guest.Console, StringComparison.Ordinal);
            long written = await AllocatedAsync(disk);
            await guest.TellAsync("go on");
            await guest.HearAsync("trimmed");
            // The space comes back when the discards are committed.
            await Eventually.That(() => HostFile.AllocatedBytes(disk) < written - (40 << 20), TimeSpan.FromSeconds(20), "the image has given back what was trimmed");
            await guest.TellAsync("go on");
            await guest.EndAsync();
            string sum = SumOf(guest);
            await using LinuxGuest again = LinuxGuest.Start(output, $"""
                set -e
                iscsistart -i {Initiator} -t {Target} -g 1 -a {VirtualMachine.HostAddress} -p {daemon.Port} -u board -w "a board's secret" >/dev/null
                wait_for '[ -b /dev/sda ]'
                mount /dev/sda /mnt
                say sum $(sha256sum </mnt/kept)
                umount /mnt
                """);
            await again.EndAsync();
            Assert.Equal(sum, SumOf(again));
        }
        await daemon.DetachAsync(Target, 0);
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(disk));
    }

    [Fact]
    public async Task A_guest_that_is_cut_off_while_it_writes_is_back_at_once_and_has_what_it_had_synced()
    {
        await using DaemonProcess daemon = await StartAsync();
        await using (LinuxGuest guest = LinuxGuest.Start(output, $"""
            set -e
            iscsistart -i {Initiator} -t {Target} -g 1 -a {VirtualMachine.HostAddress} -p {daemon.Port} >/dev/null
            wait_for '[ -b /dev/sda ]'
            /usr/sbin/mke2fs -q -t ext4 /dev/sda
            mount /dev/sda /mnt
            dd if=/dev/urandom of=/mnt/kept bs=1M count=8 2>/dev/null
            sync
            say sum $(sha256sum </mnt/kept)
            say writing
            while :; do dd if=/dev/zero of=/mnt/more bs=64k count=256 conv=fsync 2>/dev/null; done
            """))
        {
            await guest.HearAsync("writing");
            await guest.KillAsync();
            await using LinuxGuest again = LinuxGuest.Start(output, $"""
                set -e
                iscsistart -i {Initiator} -t {Target} -g 1 -a {VirtualMachine.HostAddress} -p {daemon.Port} >/dev/null
                wait_for '[ -b /dev/sda ]'
                mount /dev/sda /mnt
                say sum $(sha256sum </mnt/kept)
                umount /mnt
                """);
            await again.EndAsync();
            Assert.Equal(SumOf(guest), SumOf(again));
        }
        await daemon.DetachAsync(Target, 0);
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(daemon.Disk("disk.qcow2")));
    }

    [Fact]
    public async Task A_running_guest_sees_a_disk_that_is_added_one_that_grows_and_one_that_goes()
    {
        await using DaemonProcess daemon = await StartAsync();
        QemuImg.Create(daemon.Disk("second.qcow2"), 64 << 20);
        await using LinuxGuest guest = LinuxGuest.Start(output, $"""
            set -e
            start_iscsid {Initiator}
            make_node {Target} {Portal(daemon)}
            login {Target}
            say ready
            hear
            wait_for '[ -b /dev/sdb ]'
            say size $(blockdev --getsize64 /dev/sdb)
            dd if=/dev/urandom of=/dev/sdb bs=1M count=4 conv=fsync 2>/dev/null
            say added
            hear
            iscsiadm -m session -R >/dev/null
            wait_for '[ $(blockdev --getsize64 /dev/sdb) = 134217728 ]'
            dd if=/dev/urandom of=/dev/sdb bs=1M seek=100 count=4 conv=fsync 2>/dev/null
            say grown
            hear
            echo 1 >/sys/block/sdb/device/delete
            say deleted
            hear
            iscsiadm -m session -u
            """);
        await guest.HearAsync("ready");
        await daemon.AttachAsync(Target, "second.qcow2");
        await guest.TellAsync("go on");
        await guest.HearAsync("added");
        Assert.Contains("guest: size 67108864", guest.Console, StringComparison.Ordinal);
        await daemon.MustAsync("RESIZE", new { target_name = Target, lun_id = 1, size = 128 << 20 });
        await guest.TellAsync("go on");
        await guest.HearAsync("grown");
        await guest.TellAsync("go on");
        await guest.HearAsync("deleted");
        await daemon.DetachAsync(Target, 1);
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(daemon.Disk("second.qcow2")));
        await guest.TellAsync("go on");
        await guest.EndAsync();
    }

    private async Task<DaemonProcess> StartAsync()
    {
        DaemonProcess daemon = await DaemonProcess.StartAsync(output);
        QemuImg.Create(daemon.Disk("disk.qcow2"), 256 << 20);
        await daemon.AddTargetAsync(Target);
        await daemon.AttachAsync(Target, "disk.qcow2");
        return daemon;
    }

    private static string Portal(DaemonProcess daemon) => $"{VirtualMachine.HostAddress}:{daemon.Port}";

    private static string SumOf(LinuxGuest guest)
    {
        string line = guest.Console.Split('\n').Single(line => line.StartsWith("guest: sum ", StringComparison.Ordinal));
        return line.Split(' ')[2];
    }

    private static async Task<long> AllocatedAsync(string path)
    {
        await Eventually.That(() => HostFile.AllocatedBytes(path) > 50 << 20, TimeSpan.FromSeconds(20), "the image holds what was written");
        return HostFile.AllocatedBytes(path);
    }
}
