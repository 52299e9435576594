namespace Qcow2Target.Scsi.Cdb;

/// <summary>BYTCHK: what a verification compares the medium with (SBC-4 table 132).</summary>
internal enum ByteCheck
{
    /// <summary>Nothing: the blocks must be readable.</summary>
    None = 0,

    /// <summary>The data-out.</summary>
    DataOut = 1,

    /// <summary>One block of data-out, which every block must equal. WRITE AND VERIFY takes it as <see cref="DataOut"/>.</summary>
    OneBlock = 3,
}

/// <summary>Where BYTCHK stands: byte 1, bits 2-1.</summary>
internal static class ByteCheckField
{
    public const int Bit = 2;

    /// <summary>Null for the reserved value 2.</summary>
    public static ByteCheck? Parse(byte flags) => ((flags >> 1) & 3) switch
    {
        0 => ByteCheck.None,
        1 => ByteCheck.DataOut,
        3 => ByteCheck.OneBlock,
        _ => null,
    };
}
