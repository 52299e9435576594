using Qcow2Target.Scsi;

namespace Qcow2Target.Actors.Targets;

/// <summary>What kind of disk initiators see.</summary>
/// <param name="Medium">Whether they can eject it.</param>
/// <param name="PhysicalBlockBytes">512 or 4096; null for the configuration's.</param>
public sealed record DiskFlavour(MediumKind Medium = MediumKind.Fixed, int? PhysicalBlockBytes = null)
{
    public static DiskFlavour Usual { get; } = new();
}
