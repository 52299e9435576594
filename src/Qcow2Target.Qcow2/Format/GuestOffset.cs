namespace Qcow2Target.Qcow2.Format;

/// <summary>A byte of the virtual disk.</summary>
public readonly record struct GuestOffset(long Value)
{
    public override string ToString() => $"0x{Value:x}";
}
