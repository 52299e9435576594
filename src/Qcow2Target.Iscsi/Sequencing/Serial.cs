namespace Qcow2Target.Iscsi.Sequencing;

/// <summary>Serial number arithmetic on 32 bits (RFC 1982), as CmdSN, StatSN and DataSN are compared (RFC 7143 4.2.2).</summary>
public static class Serial
{
    /// <summary>True where <paramref name="a"/> comes before <paramref name="b"/>. Undefined by the RFC at a distance of exactly 2^31: answered false both ways.</summary>
    public static bool IsBefore(uint a, uint b) => unchecked((int)(a - b)) < 0 && a - b != 0x8000_0000;

    /// <summary>The later of the two.</summary>
    public static uint Latest(uint a, uint b) => IsBefore(a, b) ? b : a;
}
