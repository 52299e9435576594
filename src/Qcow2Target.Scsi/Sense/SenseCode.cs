namespace Qcow2Target.Scsi.Sense;

/// <summary>A sense key with its additional sense code and qualifier (SPC-4 4.5.6, annex F). Shown as <c>5/24/00</c>.</summary>
public readonly record struct SenseCode(SenseKey Key, byte Asc, byte Ascq)
{
    public override string ToString() => $"{(byte)Key:X}/{Asc:X2}/{Ascq:X2}";
}
