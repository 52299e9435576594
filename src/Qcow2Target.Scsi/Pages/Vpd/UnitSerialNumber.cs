using System.Text;

namespace Qcow2Target.Scsi.Pages.Vpd;

/// <summary>VPD 80h (SPC-4 7.8.14). libiscsi and QEMU refuse a disk without it, and one whose number changes over a reconnect.</summary>
internal static class UnitSerialNumber
{
    public static byte[] Body(in CommandContext context) => Encoding.ASCII.GetBytes(context.Unit.Identity.SerialNumber);
}
