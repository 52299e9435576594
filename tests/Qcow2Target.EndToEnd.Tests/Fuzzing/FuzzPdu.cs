using System.Buffers.Binary;

namespace Qcow2Target.EndToEnd.Tests.Fuzzing;

/// <summary>A PDU that is to be sent: its parts, until they are put together with the digests that were agreed.</summary>
internal sealed class FuzzPdu
{
    public FuzzPdu(byte opcode, byte flags, byte[]? data = null)
    {
        (Header[0], Header[1]) = (opcode, flags);
        Data = data ?? [];
    }

    public byte[] Header { get; } = new byte[48];
    public byte[] Ahs { get; set; } = [];
    public byte[] Data { get; set; }
    public byte Opcode => (byte)(Header[0] & 0x3F);
    public bool IsImmediate => (Header[0] & 0x40) != 0;

    /// <summary>What is put in place of the true lengths; null for the truth.</summary>
    public int? ToldDataLength { get; set; }
    public byte? ToldAhsWords { get; set; }

    public uint this[int offset]
    {
        get => BinaryPrimitives.ReadUInt32BigEndian(Header.AsSpan(offset));
        set => BinaryPrimitives.WriteUInt32BigEndian(Header.AsSpan(offset), value);
    }

    public ulong Lun
    {
        set => BinaryPrimitives.WriteUInt64BigEndian(Header.AsSpan(8), value);
    }

    public byte[] Encode(bool headerDigest, bool dataDigest)
    {
        int headerEnd = 48 + Ahs.Length, dataAt = headerEnd + (headerDigest ? 4 : 0), padded = (Data.Length + 3) & ~3;
        byte[] bytes = new byte[dataAt + padded + (dataDigest && Data.Length > 0 ? 4 : 0)];
        Header.CopyTo(bytes, 0);
        int told = ToldDataLength ?? Data.Length;
        bytes[4] = ToldAhsWords ?? (byte)(Ahs.Length / 4);
        (bytes[5], bytes[6], bytes[7]) = ((byte)(told >> 16), (byte)(told >> 8), (byte)told);
        Ahs.CopyTo(bytes, 48);
        Data.CopyTo(bytes, dataAt);
        if (headerDigest) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(headerEnd), SentStream.Crc(bytes.AsSpan(0, headerEnd)));
        if (dataDigest && Data.Length > 0) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(dataAt + padded), SentStream.Crc(bytes.AsSpan(dataAt, padded)));
        return bytes;
    }
}
