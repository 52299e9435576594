namespace Qcow2Target.Control.Requests;

/// <summary>Whether initiators can take the medium out of its drive: the field <c>removable</c>.</summary>
public enum DiskMedium
{
    /// <summary>They cannot (no <c>removable</c>, or false).</summary>
    Fixed,

    /// <summary>They can eject and load it (<c>"removable": true</c>).</summary>
    Removable,
}
