using System.Net;
using System.Text;
using Qcow2Target.EndToEnd.Tests.Harness;
using Qcow2Target.Testing;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests;

/// <summary>iPXE, in the ROM of a machine's network card, boots disks of the daemon; a boot sector of ours then uses them by the firmware's disk calls.</summary>
public sealed class IpxeTests(ITestOutputHelper output)
{
    private const string Target = "iqn.2018-05.local:boot";
    private const string Initiator = "iqn.2018-05.local:board";
    private const string Running = "the boot sector runs";
    private const string Done = "the boot sector is done";
    private const long DiskBytes = 64 << 20;

    /// <summary>Where the boot sector reads, beyond what a 16-bit LBA reaches, and where it writes.</summary>
    private const uint Source = 70_000, Destination = 100_001;
    private const int MovedBytes = BootSector.SectorsAtOnce * BootSector.SectorBytes;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_disk_boots_and_is_read_and_written()
    {
        await using DaemonProcess daemon = await StartAsync();
        byte[] moved = MakeDisk(daemon.Disk("disk.qcow2"), Copier(BootSector.FirstDrive), "read from the disk");
        await daemon.AttachAsync(Target, "disk.qcow2");
        await BootAsync($"sanboot {Uri(daemon.Port, 0)}", Running, "read from the disk", Done);
        await AssertHoldsAsync(daemon, 0, "disk.qcow2", moved);
    }

    [Fact]
    public async Task A_disk_behind_chap_boots_when_both_sides_have_proved_who_they_are()
    {
        await using DaemonProcess daemon = await StartAsync();
        byte[] moved = MakeDisk(daemon.Disk("disk.qcow2"), Copier(BootSector.FirstDrive), "read from the disk");
        await daemon.AttachAsync(Target, "disk.qcow2");
        await daemon.MustAsync("SETACCESS", new
        {
            target_name = Target,
            chap = new { name = "board", secret = "secret-of-the-board" },
            mutual_chap = new { name = "target", secret = "secret-of-the-target" },
            initiators = new[] { Initiator },
        });
        await BootAsync(
            $"""
            set username board
            set password not-the-secret
            sanboot {Uri(daemon.Port, 0)} || echo refused with a wrong secret
            set password secret-of-the-board
            set reverse-username target
            set reverse-password not-the-secret
            sanboot {Uri(daemon.Port, 0)} || echo refused a wrong target
            set reverse-password secret-of-the-target
            sanboot {Uri(daemon.Port, 0)}
            """,
            "refused with a wrong secret", "refused a wrong target", Running, "read from the disk", Done);
        await AssertHoldsAsync(daemon, 0, "disk.qcow2", moved);
    }

    [Fact]
    public async Task An_overlay_of_a_golden_image_boots_and_reaches_the_other_lun_as_its_second_drive()
    {
        await using DaemonProcess daemon = await StartAsync();
        MakeDisk(
            daemon.Disk("golden.qcow2"),
            new BootSector().Print(Running).Load(BootSector.FirstDrive, Source).PrintBuffer().Load(BootSector.SecondDrive, Source).PrintBuffer()
                .Store(BootSector.FirstDrive, Destination).Print(Done),
            "read from the golden image");
        string golden = RawImage.HashOf(daemon.Disk("golden.qcow2"));
        QemuImg.CreateOverlay(daemon.Disk("disk.qcow2"), "golden.qcow2");
        byte[] moved = MakeDisk(daemon.Disk("second.qcow2"), new BootSector(), "read from the other disk");
        await daemon.AttachAsync(Target, "disk.qcow2");
        await daemon.AttachAsync(Target, "second.qcow2");
        await BootAsync(
            $"""
            sanhook --drive {BootSector.FirstDrive} {Uri(daemon.Port, 0)}
            sanhook --drive {BootSector.SecondDrive} {Uri(daemon.Port, 1)}
            sanboot --no-describe --drive {BootSector.FirstDrive}
            """,
            Running, "read from the golden image", "read from the other disk", Done);
        await AssertHoldsAsync(daemon, 0, "disk.qcow2", moved);
        Assert.Equal(golden, RawImage.HashOf(daemon.Disk("golden.qcow2")));
    }

    [Fact]
    public async Task A_target_that_is_elsewhere_is_found_there()
    {
        await using DaemonProcess daemon = await StartAsync();
        byte[] moved = MakeDisk(daemon.Disk("disk.qcow2"), Copier(BootSector.FirstDrive), "read from the disk");
        await daemon.AttachAsync(Target, "disk.qcow2");
        await using RedirectingPortal portal = new(new IPEndPoint(IPAddress.Parse(VirtualMachine.HostAddress), daemon.Port));
        await BootAsync($"sanboot {Uri(portal.Port, 0)}", Running, "read from the disk", Done);
        Assert.Equal(1, portal.Redirected);
        await AssertHoldsAsync(daemon, 0, "disk.qcow2", moved);
    }

    private async Task<DaemonProcess> StartAsync()
    {
        DaemonProcess daemon = await DaemonProcess.StartAsync(output);
        await daemon.AddTargetAsync(Target);
        return daemon;
    }

    /// <summary>Boots by a script and waits for what the machine says, in this order.</summary>
    private async Task BootAsync(string script, params string[] says)
    {
        await using VirtualMachine machine = Ipxe.Boot(output, $"set initiator-iqn {Initiator}\n{script}");
        await machine.HearAsync(says[^1], Limit);
        int at = 0;
        foreach (string line in says)
        {
            int found = machine.Console.IndexOf(line, at, StringComparison.Ordinal);
            Assert.True(found >= 0, $"'{line}' was not said, or not in its place:\n{machine.Console}");
            at = found + line.Length;
        }
    }

    private static string Uri(int port, int lun) => $"iscsi:{VirtualMachine.HostAddress}::{port}:{lun}:{Target}";

    private static BootSector Copier(byte drive) => new BootSector().Print(Running).Load(drive, Source).PrintBuffer().Store(drive, Destination).Print(Done);

    /// <summary>A disk with a boot sector, and a line and random bytes behind it where the sector reads: these are returned.</summary>
    private static byte[] MakeDisk(string path, BootSector sector, string line)
    {
        byte[] content = new byte[MovedBytes];
        Random.Shared.NextBytes(content);
        Encoding.ASCII.GetBytes($"{line}\r\n\0").CopyTo(content, 0);
        string raw = $"{path}.raw";
        using (FileStream file = new(raw, FileMode.Create))
        {
            file.SetLength(DiskBytes);
            file.Write(sector.Build());
            file.Position = Source * BootSector.SectorBytes;
            file.Write(content);
        }
        QemuImg.Convert(raw, "raw", path, "qcow2");
        File.Delete(raw);
        return content;
    }

    /// <summary>What the boot sector has stored is in the image, whose disk is detached for that.</summary>
    private static async Task AssertHoldsAsync(DaemonProcess daemon, int lun, string disk, byte[] content)
    {
        await daemon.NobodyIsConnectedAsync(Target);
        await daemon.DetachAsync(Target, lun);
        string path = daemon.Disk(disk), raw = $"{path}.raw";
        Assert.Equal(CheckVerdict.Clean, QemuImg.Check(path));
        QemuImg.Convert(path, "qcow2", raw, "raw");
        byte[] found = new byte[content.Length];
        using FileStream file = new(raw, FileMode.Open);
        file.Position = Destination * BootSector.SectorBytes;
        file.ReadExactly(found);
        Assert.True(content.AsSpan().SequenceEqual(found), "the image does not hold what was stored");
    }
}
