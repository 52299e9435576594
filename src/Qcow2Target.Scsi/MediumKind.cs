namespace Qcow2Target.Scsi;

/// <summary>Whether initiators can take the medium out of the unit.</summary>
public enum MediumKind
{
    Fixed,

    /// <summary>INQUIRY shows RMB; START STOP UNIT ejects and loads.</summary>
    Removable,
}
