namespace Qcow2Target.Scsi.Cdb;

/// <summary>
/// The CDB forms that name blocks, which all block commands share: byte 1 holds flags, then the address, then the number of blocks
/// (SPC-4 4.2.2, SBC-3 table 12 and so on). The opcode's group decides the form.
/// </summary>
internal readonly record struct BlockCdb(byte Flags, BlockRange Range)
{
    private const int Form6 = 0;
    private const int Form16 = 4;
    private const int Form12 = 5;

    /// <summary>RDPROTECT, WRPROTECT or VRPROTECT: protection information that the disk does not have.</summary>
    public const byte Protect = 0xE0;
    public const int ProtectBit = 7;

    public const byte DisablePageOut = 0x10;
    public const byte ForceUnitAccess = 0x08;

    public bool HasProtect => (Flags & Protect) != 0;

    public bool HasForceUnitAccess => (Flags & ForceUnitAccess) != 0;

    /// <summary>Reads the form that the opcode's group code stands for. The CDB is at least as long as the form.</summary>
    public static BlockCdb Parse(ReadOnlySpan<byte> cdb) => (cdb[0] >> 5) switch
    {
        Form6 => Parse6(cdb),
        Form16 => new BlockCdb(cdb[1], new BlockRange(cdb.U64(2), cdb.U32(10))),
        Form12 => new BlockCdb(cdb[1], new BlockRange(cdb.U32(2), cdb.U32(6))),
        _ => new BlockCdb(cdb[1], new BlockRange(cdb.U32(2), cdb.U16(7))),
    };

    /// <summary>Where the number of blocks stands, for the field pointer.</summary>
    public static int BlocksField(byte opcode) => (opcode >> 5) switch
    {
        Form6 => 4,
        Form16 => 10,
        Form12 => 6,
        _ => 7,
    };

    // 21 bits of address, no flags, and 0 stands for 256 blocks.
    private static BlockCdb Parse6(ReadOnlySpan<byte> cdb)
    {
        uint lba = cdb.U32(0) & 0x1F_FFFF;
        return new BlockCdb(0, new BlockRange(lba, cdb[4] == 0 ? 256u : cdb[4]));
    }
}
