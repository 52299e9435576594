namespace Qcow2Target.Iscsi.Pdus;

/// <summary>
/// A PDU's header as a value. Lengths of the segments behind it belong to the framing. Parsing takes any 48 bytes: reserved bits are ignored, meaning is judged
/// by who handles the PDU.
/// </summary>
public interface IPdu<TSelf>
    where TSelf : struct, IPdu<TSelf>
{
    static abstract Opcode Opcode { get; }

    /// <summary>Reads a Basic Header Segment of 48 bytes that carries this opcode.</summary>
    static abstract TSelf Parse(ReadOnlySpan<byte> header);

    /// <summary>Writes into a cleared Basic Header Segment of 48 bytes.</summary>
    void Write(Span<byte> header);
}
