using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Iscsi.Framing;

/// <summary>What a scan came to.</summary>
public enum ScanState
{
    /// <summary>A whole PDU is there.</summary>
    Complete,

    /// <summary>More bytes are needed: at least as many as <see cref="PduScanner.NeededBytes"/> tells from the PDU's start.</summary>
    NeedMore,

    /// <summary>The stream cannot be followed any further: <see cref="PduScanner.Fault"/>.</summary>
    Broken,
}

/// <summary>Why a stream cannot be followed.</summary>
public enum ScanFault
{
    None,
    HeaderDigest,
    DataSegmentTooLong,
    AdditionalHeaderTooLong,
}

/// <summary>
/// Finds PDUs in a byte stream (RFC 7143 11.2). Knows lengths and digests, not meanings. To resume, give it the same bytes again with more behind them; the
/// header's digest is checked once the header is there, before its lengths are believed.
/// </summary>
/// <param name="digests">Digests on this connection.</param>
/// <param name="maxDataSegmentBytes">Longest data segment taken: the MaxRecvDataSegmentLength that the receiving side declared.</param>
/// <param name="maxAdditionalHeaderBytes">Longest additional header taken.</param>
public sealed class PduScanner(DigestUse digests, int maxDataSegmentBytes, int maxAdditionalHeaderBytes)
{
    /// <summary>After <see cref="ScanState.NeedMore"/>: bytes from the PDU's start without which a further scan is in vain.</summary>
    public int NeededBytes { get; private set; } = DigestUse.BasicHeaderBytes;

    /// <summary>After <see cref="ScanState.Broken"/>: why.</summary>
    public ScanFault Fault { get; private set; }

    /// <summary>After <see cref="ScanState.Broken"/>: the length or digest that was not to be believed.</summary>
    public long FaultValue { get; private set; }

    /// <summary>Bytes of the longest PDU that this scanner lets through.</summary>
    public int MaxPduBytes => digests.PduBytes(maxDataSegmentBytes, maxAdditionalHeaderBytes);

    /// <summary>Looks for one PDU at the start of <paramref name="input"/>.</summary>
    public ScanState Scan(ReadOnlySpan<byte> input, out PduFrame frame)
    {
        frame = default;
        if (input.Length < DigestUse.BasicHeaderBytes) return Need(DigestUse.BasicHeaderBytes);
        var additionalBytes = BasicHeader.TotalAhsLength(input);
        if (additionalBytes > maxAdditionalHeaderBytes) return Break(ScanFault.AdditionalHeaderTooLong, additionalBytes);
        var headerBytes = DigestUse.BasicHeaderBytes + additionalBytes;
        var dataOffset = headerBytes + digests.HeaderDigestBytes;
        if (input.Length < dataOffset) return Need(dataOffset);
        if (digests.HeaderDigestBytes > 0 && !Crc32C.Matches(input[..headerBytes], input[headerBytes..]))
            return Break(ScanFault.HeaderDigest, Crc32C.Compute(input[..headerBytes]));
        var dataBytes = BasicHeader.DataSegmentLength(input);
        if (dataBytes > maxDataSegmentBytes) return Break(ScanFault.DataSegmentTooLong, dataBytes);
        var total = digests.PduBytes(dataBytes, additionalBytes);
        if (input.Length < total) return Need(total);

        var padded = DigestUse.Padded(dataBytes);
        var digestHolds = digests.DataDigestBytes(dataBytes) == 0
            || Crc32C.Matches(input.Slice(dataOffset, padded), input[(dataOffset + padded)..]);
        frame = new PduFrame(
            input[..DigestUse.BasicHeaderBytes],
            input[DigestUse.BasicHeaderBytes..headerBytes],
            input.Slice(dataOffset, dataBytes),
            total,
            digestHolds);
        return ScanState.Complete;
    }

    private ScanState Need(int bytes)
    {
        NeededBytes = bytes;
        return ScanState.NeedMore;
    }

    private ScanState Break(ScanFault fault, long value)
    {
        Fault = fault;
        FaultValue = value;
        return ScanState.Broken;
    }
}
