namespace Qcow2Target.Actors.Disks;

/// <summary>Where a disk is: for logs and for the error that names a file's holder.</summary>
public sealed record DiskPlace(int Lun, string Target)
{
    public override string ToString() => $"LUN {Lun} of {Target}";
}
