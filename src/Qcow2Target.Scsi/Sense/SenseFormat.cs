namespace Qcow2Target.Scsi.Sense;

/// <summary>Layout of sense data on the wire; the control mode page's D_SENSE bit chooses it.</summary>
public enum SenseFormat
{
    /// <summary>18 bytes, response code 70h (SPC-4 4.5.3).</summary>
    Fixed,

    /// <summary>8 bytes and descriptors, response code 72h (SPC-4 4.5.2).</summary>
    Descriptor,
}
