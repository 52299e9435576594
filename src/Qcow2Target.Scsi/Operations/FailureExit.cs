namespace Qcow2Target.Scsi.Operations;

/// <summary>Whether EXIT FAILURE MODE may end a failed sanitize operation (AUSE).</summary>
public enum FailureExit
{
    OnlyBySanitizing,
    Allowed,
}
