namespace Qcow2Target.Control.Requests;

/// <summary>What initiators may do with a disk: the field <c>read_only</c> of ATTACH.</summary>
public enum DiskAccess
{
    /// <summary>Read and write it (no <c>read_only</c>, or false).</summary>
    ReadWrite,

    /// <summary>Read it; not a byte of the file changes (<c>"read_only": true</c>).</summary>
    ReadOnly,
}
