namespace Qcow2Target.Qcow2.Image;

/// <summary>What becomes of what is not yet durable when an image is closed.</summary>
public enum CloseMode
{
    /// <summary>Everything that completed is committed and synced, unused reservations are given back.</summary>
    Commit,

    /// <summary>What runs is waited for, nothing more is written: for an image that is about to be deleted, or that has failed.</summary>
    Abandon,
}
