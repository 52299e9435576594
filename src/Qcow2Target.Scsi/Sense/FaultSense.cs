namespace Qcow2Target.Scsi.Sense;

/// <summary>What an initiator learns of a fault of the block device: the one table of it.</summary>
public static class FaultSense
{
    /// <summary>The sense of <paramref name="fault"/>, or null where the answer is status BUSY.</summary>
    public static SenseData? Of(BlockDeviceFault fault) => fault switch
    {
        BlockDeviceFault.ReadError => SenseData.UnrecoveredReadError,
        BlockDeviceFault.WriteError => SenseData.WriteError,
        BlockDeviceFault.NoSpace => SenseData.SpaceAllocationFailed,
        BlockDeviceFault.WriteProtected => SenseData.WriteProtected,
        BlockDeviceFault.NotReady => SenseData.BecomingReady,
        BlockDeviceFault.Gone => SenseData.UnitNotSupported,
        BlockDeviceFault.Fenced => null,
        BlockDeviceFault.Corrupt or _ => SenseData.InternalTargetFailure,
    };
}
