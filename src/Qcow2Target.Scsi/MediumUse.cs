namespace Qcow2Target.Scsi;

/// <summary>What a command does to the medium.</summary>
internal enum MediumUse
{
    Read,
    Write,
}
