using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>What MODE SELECT can change, of one logical unit for all its nexuses. Immutable: a command sees one state.</summary>
/// <param name="WriteCache">WCE: false means that a write is durable before its status.</param>
/// <param name="SoftwareWriteProtect">SWP: writes get 7/27/02.</param>
/// <param name="SenseFormat">D_SENSE.</param>
public sealed record ModeParameters(bool WriteCache, bool SoftwareWriteProtect, SenseFormat SenseFormat)
{
    public static ModeParameters Default { get; } = new(WriteCache: true, SoftwareWriteProtect: false, SenseFormat.Fixed);
}
