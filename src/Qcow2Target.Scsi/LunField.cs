namespace Qcow2Target.Scsi;

/// <summary>The 8-byte LUN of a command (SAM-5 4.6): big-endian, as it stands in the PDU.</summary>
public static class LunField
{
    /// <summary>The REPORT LUNS well known logical unit.</summary>
    public const ulong ReportLunsWellKnown = 0xC101_0000_0000_0000;

    private const int LevelShift = 48;
    private const ulong DeeperLevels = 0x0000_FFFF_FFFF_FFFF;
    private const int FlatMethod = 0x4000;

    /// <summary>The LUN that a single-level field names: peripheral method (0 to 255, bus 0) or flat method (0 to 16383).</summary>
    /// <returns>False: it can name no disk of ours.</returns>
    public static bool TryDecode(ulong field, out int lun)
    {
        int first = (int)(field >> LevelShift);
        lun = first & (FlatMethod - 1);
        if ((field & DeeperLevels) != 0)
            return false;

        return (first & ~(FlatMethod - 1)) switch
        {
            0 => lun <= byte.MaxValue,
            FlatMethod => true,
            _ => false,
        };
    }

    /// <summary><paramref name="lun"/>, 0 to 16383, by the flat method, which initiators may use below 256 too.</summary>
    public static ulong EncodeFlat(int lun)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lun);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(lun, ScsiLimits.MaxLuns);
        return (ulong)(FlatMethod | lun) << LevelShift;
    }

    /// <summary>How REPORT LUNS and responses write <paramref name="lun"/>, 0 to 16383: the peripheral method below 256, else flat.</summary>
    public static ulong Encode(int lun)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lun);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(lun, ScsiLimits.MaxLuns);
        return (ulong)(lun <= byte.MaxValue ? lun : FlatMethod | lun) << LevelShift;
    }
}
