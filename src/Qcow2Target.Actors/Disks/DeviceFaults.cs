using Qcow2Target.Qcow2.Image;
using Qcow2Target.Scsi;

namespace Qcow2Target.Actors.Disks;

/// <summary>From what an image says to what a logical unit understands: the one place.</summary>
internal static class DeviceFaults
{
    public static BlockDeviceException From(ImageFault fault) => new(KindOf(fault.Kind), fault.Message, fault.Cause);

    public static BlockDeviceException NotReady(string path) => new(BlockDeviceFault.NotReady, $"{path} is being opened or recovered");

    public static BlockDeviceException Gone(string path) => new(BlockDeviceFault.Gone, $"{path} was detached");

    public static BlockDeviceException Fenced(string path) =>
        new(BlockDeviceFault.Fenced, $"{path}: a write that was abandoned has not returned yet");

    private static BlockDeviceFault KindOf(ImageFaultKind kind) => kind switch
    {
        ImageFaultKind.ReadError => BlockDeviceFault.ReadError,
        ImageFaultKind.WriteError => BlockDeviceFault.WriteError,
        ImageFaultKind.NoSpace => BlockDeviceFault.NoSpace,
        ImageFaultKind.ReadOnly => BlockDeviceFault.WriteProtected,
        ImageFaultKind.Closed => BlockDeviceFault.Gone,
        _ => BlockDeviceFault.Corrupt,
    };
}
