using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Operations;

/// <summary>An operation had the whole medium.</summary>
/// <param name="sense">What the operation said then: when the command ends it may be over.</param>
internal sealed class MediumTakenException(SenseData sense) : BlockDeviceException(BlockDeviceFault.NotReady, "the whole medium is being sanitized or formatted")
{
    public SenseData Sense { get; } = sense;
}
