using System.Text;
using Xunit.Abstractions;

namespace Qcow2Target.EndToEnd.Tests.Harness;

/// <summary>A machine without disks whose network card boots by iPXE, which fetches a script over TFTP and runs it.</summary>
internal static class Ipxe
{
    /// <param name="output">Where the console goes at the end.</param>
    /// <param name="script">Commands for iPXE.</param>
    public static VirtualMachine Boot(ITestOutputHelper output, string script) => VirtualMachine.Start(output, folder =>
    {
        folder.File("tftp/boot.ipxe", Encoding.ASCII.GetBytes($"#!ipxe\n{script.ReplaceLineEndings("\n")}\n"));

        // Without graphics the firmware shows its text on the serial port. The card's ROM is QEMU's own choice: the one of Debian's ipxe-qemu.
        return
        [
            "-machine", "pc,graphics=off", "-netdev", $"user,id=net,tftp={folder["tftp"]},bootfile=boot.ipxe",
            "-device", "virtio-net-pci,netdev=net,bootindex=0",
        ];
    });
}
