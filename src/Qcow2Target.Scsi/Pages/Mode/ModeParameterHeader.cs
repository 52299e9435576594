using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Pages.Mode;

/// <summary>The two forms of what stands before the pages of a mode parameter list (SPC-4 7.5.5).</summary>
internal enum ModeHeader
{
    /// <summary>4 bytes, of MODE SENSE and MODE SELECT (6).</summary>
    Short,

    /// <summary>8 bytes, of (10); can announce a descriptor with a 64-bit number of blocks.</summary>
    Long,
}

/// <summary>Which block descriptor follows the header.</summary>
internal enum BlockDescriptor
{
    None,

    /// <summary>8 bytes, 32-bit number of blocks (SBC-3 6.4.2.2).</summary>
    Short,

    /// <summary>16 bytes, 64-bit number of blocks (SBC-3 6.4.2.3).</summary>
    Long,
}

/// <summary>Writes and measures headers and block descriptors.</summary>
internal static class ModeParameterHeader
{
    public const int ShortDescriptorBytes = 8;
    public const int LongDescriptorBytes = 16;
    public const byte LongLba = 0x01;

    private const byte WriteProtected = 0x80;      // WP
    private const byte AcceptsDpoAndFua = 0x10;    // DPOFUA

    public static int Bytes(ModeHeader form) => form == ModeHeader.Short ? 4 : 8;

    public static int Bytes(BlockDescriptor form) => form switch
    {
        BlockDescriptor.None => 0,
        BlockDescriptor.Short => ShortDescriptorBytes,
        _ => LongDescriptorBytes,
    };

    /// <summary>Header and descriptor for a list of <paramref name="pageBytes"/> bytes of pages.</summary>
    public static byte[] Encode(ModeHeader form, BlockDescriptor descriptor, in CommandContext context, int pageBytes)
    {
        int header = Bytes(form);
        byte[] data = new byte[header + Bytes(descriptor)];
        bool protects = context.Shape.IsReadOnly || context.Modes.SoftwareWriteProtect;
        byte device = (byte)(AcceptsDpoAndFua | (protects ? WriteProtected : 0));
        if (form == ModeHeader.Short)
        {
            data[0] = checked((byte)(data.Length + pageBytes - 1));
            data[2] = device;
            data[3] = (byte)Bytes(descriptor);
        }
        else
        {
            data.PutU16(0, data.Length + pageBytes - 2);
            data[3] = device;
            data[4] = descriptor == BlockDescriptor.Long ? LongLba : (byte)0;
            data.PutU16(6, Bytes(descriptor));
        }

        PutDescriptor(data, header, descriptor, context.Shape);
        return data;
    }

    private static void PutDescriptor(byte[] data, int at, BlockDescriptor form, BlockDeviceShape shape)
    {
        if (form == BlockDescriptor.Short)
        {
            data.PutU32(at, ShortCount(shape));
            data.PutU32(at + 4, (uint)shape.BlockBytes);   // the first byte is reserved, and a block has less than 16 MiB
        }
        else if (form == BlockDescriptor.Long)
        {
            data.PutU64(at, (ulong)shape.Blocks);
            data.PutU32(at + 12, (uint)shape.BlockBytes);
        }
    }

    /// <summary>The number of blocks in a short descriptor: all ones when it does not fit.</summary>
    public static uint ShortCount(BlockDeviceShape shape) => (uint)Math.Min(shape.Blocks, uint.MaxValue);
}
