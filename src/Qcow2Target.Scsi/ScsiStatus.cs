namespace Qcow2Target.Scsi;

/// <summary>Status of a command as it goes over the wire (SAM-5 5.3.1).</summary>
public enum ScsiStatus : byte
{
    Good = 0x00,
    CheckCondition = 0x02,
    ConditionMet = 0x04,
    Busy = 0x08,
    ReservationConflict = 0x18,
    TaskSetFull = 0x28,
    TaskAborted = 0x40,
}
