using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Iscsi.Framing;

/// <summary>Lays PDUs out: header, additional header, digests, data, padding. The sum of the parts is <see cref="DigestUse.PduBytes"/>.</summary>
public static class PduWriter
{
    /// <summary>Writes a whole PDU with its digests. Returns its length.</summary>
    public static int Write<TPdu>(in TPdu pdu, ReadOnlySpan<byte> data, Span<byte> destination, DigestUse digests, ReadOnlySpan<byte> additionalHeader = default)
        where TPdu : struct, IPdu<TPdu>
    {
        var length = WriteUnstamped(pdu, data, destination, digests, additionalHeader);
        SealHeader(destination, digests);
        return length;
    }

    /// <summary>
    /// Writes a whole PDU but its header digest, for a header whose sequence numbers are stamped later; <see cref="SealHeader"/> ends it. Returns its length.
    /// </summary>
    public static int WriteUnstamped<TPdu>(
        in TPdu pdu, ReadOnlySpan<byte> data, Span<byte> destination, DigestUse digests, ReadOnlySpan<byte> additionalHeader = default)
        where TPdu : struct, IPdu<TPdu>
    {
        WriteHeader(pdu, data.Length, destination, additionalHeader);
        var dataOffset = DigestUse.BasicHeaderBytes + additionalHeader.Length + digests.HeaderDigestBytes;
        data.CopyTo(destination[dataOffset..]);
        return SealData(destination[dataOffset..], data.Length, digests) + dataOffset;
    }

    /// <summary>Writes the header alone, for data that will lie behind it.</summary>
    public static void WriteHeader<TPdu>(in TPdu pdu, int dataBytes, Span<byte> destination, ReadOnlySpan<byte> additionalHeader = default)
        where TPdu : struct, IPdu<TPdu>
    {
        destination[..DigestUse.BasicHeaderBytes].Clear();
        pdu.Write(destination);
        BasicHeader.SetLengths(destination, additionalHeader.Length, dataBytes);
        additionalHeader.CopyTo(destination[DigestUse.BasicHeaderBytes..]);
    }

    /// <summary>Pads the data that lies at the start of <paramref name="data"/> and writes its digest behind it. Returns the bytes of all three.</summary>
    public static int SealData(Span<byte> data, int dataBytes, DigestUse digests)
    {
        var padded = DigestUse.Padded(dataBytes);
        data[dataBytes..padded].Clear();
        if (digests.DataDigestBytes(dataBytes) == 0) return padded;
        Crc32C.Write(data[..padded], data[padded..]);
        return padded + Crc32C.Bytes;
    }

    /// <summary>Writes the header digest, once nothing in the header changes any more.</summary>
    public static void SealHeader(Span<byte> pdu, DigestUse digests)
    {
        if (digests.HeaderDigestBytes == 0) return;
        var headerBytes = DigestUse.BasicHeaderBytes + BasicHeader.TotalAhsLength(pdu);
        Crc32C.Write(pdu[..headerBytes], pdu[headerBytes..]);
    }
}
