using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.Iscsi.Framing;

/// <summary>Which digests a connection carries, and what that makes of lengths. Login PDUs never carry any.</summary>
public readonly record struct DigestUse(DigestMethod Header, DigestMethod Data)
{
    /// <summary>Length of the Basic Header Segment.</summary>
    public const int BasicHeaderBytes = 48;

    public static DigestUse None => default;

    /// <summary>Bytes of the header digest.</summary>
    public int HeaderDigestBytes => Header == DigestMethod.Crc32C ? Crc32C.Bytes : 0;

    /// <summary>Bytes of the data digest of a segment of that length: none without data.</summary>
    public int DataDigestBytes(int dataBytes) => Data == DigestMethod.Crc32C && dataBytes > 0 ? Crc32C.Bytes : 0;

    /// <summary>Bytes from a PDU's start to its data where it has no additional header.</summary>
    public int DataOffset => BasicHeaderBytes + HeaderDigestBytes;

    /// <summary>Bytes of a whole PDU with this much data.</summary>
    public int PduBytes(int dataBytes, int additionalHeaderBytes = 0)
        => BasicHeaderBytes + additionalHeaderBytes + HeaderDigestBytes + Padded(dataBytes) + DataDigestBytes(dataBytes);

    /// <summary>Length with padding to 4.</summary>
    public static int Padded(int bytes) => (bytes + 3) & ~3;
}
