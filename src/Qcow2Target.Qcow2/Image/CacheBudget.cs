namespace Qcow2Target.Qcow2.Image;

/// <summary>
/// The bytes that the cached L2 tables of all images may hold together. An image that needs room takes it from itself first and then
/// from the others, table by table; tables that are being changed stay, so the limit may be passed by what one commit holds.
/// </summary>
public sealed class CacheBudget
{
    /// <param name="bytes">At least 1 MiB.</param>
    public CacheBudget(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1 << 20);
        Bytes = bytes;
    }

    public long Bytes { get; }
}
