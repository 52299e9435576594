namespace Qcow2Target.Scsi;

/// <summary>Whether a logical unit's disk can be used now.</summary>
public enum UnitAvailability
{
    Ready,

    /// <summary>Being opened or recovered: media commands get 2/04/01, TEST UNIT READY waits a while first.</summary>
    BecomingReady,

    /// <summary>Will not come back by itself: 2/04/12.</summary>
    Offline,

    /// <summary>Detached: 5/25/00. Final.</summary>
    Gone,
}
