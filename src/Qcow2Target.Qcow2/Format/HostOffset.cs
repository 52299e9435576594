namespace Qcow2Target.Qcow2.Format;

/// <summary>A byte of the image file.</summary>
public readonly record struct HostOffset(long Value)
{
    public override string ToString() => $"0x{Value:x}";
}
