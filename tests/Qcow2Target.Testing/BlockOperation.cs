namespace Qcow2Target.Testing;

/// <summary>What was asked of a block file.</summary>
public enum BlockOperation
{
    TryRead,
    Read,
    Write,
    Punch,
    Sync,
}
