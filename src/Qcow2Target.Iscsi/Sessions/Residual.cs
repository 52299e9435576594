namespace Qcow2Target.Iscsi.Sessions;

/// <summary>Residual of a transfer against the expected length (RFC 7143 11.4.5): bytes that did not fit (O) or were not moved (U).</summary>
internal readonly record struct Residual(bool IsOverflow, bool IsUnderflow, uint Count)
{
    /// <param name="expected">EDTL.</param>
    /// <param name="implied">What the CDB asks for (SPDTL), allocation length already applied.</param>
    /// <param name="moved">Bytes that were transferred, at most <paramref name="expected"/>.</param>
    public static Residual Of(uint expected, long implied, long moved)
    {
        if (implied > expected) return new Residual(true, false, (uint)Math.Min(implied - expected, uint.MaxValue));
        return moved < expected ? new Residual(false, true, (uint)(expected - moved)) : default;
    }
}
