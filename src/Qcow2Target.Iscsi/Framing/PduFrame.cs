using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Iscsi.Framing;

/// <summary>One whole PDU in a receive buffer, cut into its segments.</summary>
public readonly ref struct PduFrame
{
    internal PduFrame(ReadOnlySpan<byte> header, ReadOnlySpan<byte> additionalHeader, ReadOnlySpan<byte> data, int length, bool dataDigestHolds)
    {
        Header = header;
        AdditionalHeader = additionalHeader;
        Data = data;
        Length = length;
        DataDigestHolds = dataDigestHolds;
    }

    /// <summary>The 48 bytes of the Basic Header Segment.</summary>
    public ReadOnlySpan<byte> Header { get; }

    /// <summary>All Additional Header Segments.</summary>
    public ReadOnlySpan<byte> AdditionalHeader { get; }

    /// <summary>The data segment without padding.</summary>
    public ReadOnlySpan<byte> Data { get; }

    /// <summary>Bytes of the whole PDU with padding and digests.</summary>
    public int Length { get; }

    /// <summary>False where the data digest does not match. True where there is none.</summary>
    public bool DataDigestHolds { get; }

    public Opcode Opcode => BasicHeader.Opcode(Header);

    public bool IsImmediate => BasicHeader.IsImmediate(Header);

    public uint InitiatorTaskTag => BasicHeader.InitiatorTaskTag(Header);
}
