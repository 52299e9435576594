namespace Qcow2Target.Actors.Disks;

/// <summary>What a disk does when its image does not open the first time.</summary>
public enum FirstOpen
{
    /// <summary>It says so (ATTACH).</summary>
    MustSucceed,

    /// <summary>It goes on trying (after a restart of the daemon).</summary>
    MayFail,
}
