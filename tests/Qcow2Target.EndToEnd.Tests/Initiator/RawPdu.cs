using System.Buffers.Binary;

namespace Qcow2Target.EndToEnd.Tests.Initiator;

/// <summary>
/// One iSCSI PDU as the bytes of its 48-byte header and its data segment (RFC 7143 section 11.2). Written apart from the product's PDU
/// classes on purpose: a misread offset there must not be mirrored here.
/// </summary>
internal sealed class RawPdu
{
    public const int HeaderLength = 48;
    public const uint NoTag = 0xFFFFFFFF;
    private readonly byte[] _header;

    public RawPdu(byte opcode, byte flags = 0x80, ReadOnlyMemory<byte> data = default)
        : this(new byte[HeaderLength], data)
    {
        _header[0] = opcode;
        _header[1] = flags;
    }

    public RawPdu(byte[] header, ReadOnlyMemory<byte> data)
    {
        _header = header;
        Data = data;
    }

    public Span<byte> Header => _header;
    public ReadOnlyMemory<byte> Data { get; }
    public byte Opcode => (byte)(_header[0] & 0x3F);
    public bool IsImmediate => (_header[0] & 0x40) != 0;
    public byte Flags => _header[1];
    public bool IsFinal => (Flags & 0x80) != 0;

    public ulong Lun
    {
        get => BinaryPrimitives.ReadUInt64BigEndian(_header.AsSpan(8));
        set => BinaryPrimitives.WriteUInt64BigEndian(_header.AsSpan(8), value);
    }

    public uint TaskTag
    {
        get => this[16];
        set => this[16] = value;
    }

    public uint TransferTag
    {
        get => this[20];
        set => this[20] = value;
    }

    /// <summary>CmdSN of a request, StatSN of a response.</summary>
    public uint CommandSequence
    {
        get => this[24];
        set => this[24] = value;
    }

    public uint StatusSequence => this[24];

    /// <summary>ExpStatSN of a request, ExpCmdSN of a response.</summary>
    public uint ExpectedSequence
    {
        get => this[28];
        set => this[28] = value;
    }

    public uint MaximumCommandSequence => this[32];

    /// <summary>The 32-bit big-endian field at <paramref name="offset"/> of the header.</summary>
    public uint this[int offset]
    {
        get => BinaryPrimitives.ReadUInt32BigEndian(_header.AsSpan(offset));
        set => BinaryPrimitives.WriteUInt32BigEndian(_header.AsSpan(offset), value);
    }

    public override string ToString() => $"opcode 0x{Opcode:x2} flags 0x{Flags:x2} ITT 0x{TaskTag:x8} TTT 0x{TransferTag:x8}, {Data.Length} data bytes";
}
