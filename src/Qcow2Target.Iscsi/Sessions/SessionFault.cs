using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>Why a machine gave its connection up.</summary>
public enum SessionFaultReason
{
    /// <summary>Header digest does not match: the length fields cannot be trusted.</summary>
    HeaderDigest,

    /// <summary>Data digest of a command PDU does not match: its CmdSN counts as not received, and nothing can be resent at ERL 0.</summary>
    DataDigest,

    /// <summary>DataSegmentLength beyond the MaxRecvDataSegmentLength that we declared.</summary>
    DataSegmentTooLong,

    /// <summary>TotalAHSLength beyond what a CDB of 260 bytes takes, or not to be parsed.</summary>
    AdditionalHeader,

    /// <summary>The initiator makes us answer and does not read the answers.</summary>
    OutputOverflow,

    /// <summary>Nothing of what the initiator sends can be taken. The value is the reason of the last Reject.</summary>
    TooManyRejects,
}

/// <summary>A protocol fault that ends the connection: enough for one line in the log.</summary>
/// <param name="Reason">The kind.</param>
/// <param name="Opcode">Opcode of the PDU (6 bits).</param>
/// <param name="Value">The offending value: a length, a digest, a tag.</param>
public sealed record SessionFault(SessionFaultReason Reason, byte Opcode, long Value)
{
    internal static SessionFault From(PduScanner scanner, ReadOnlySpan<byte> header)
    {
        var reason = scanner.Fault switch
        {
            ScanFault.HeaderDigest => SessionFaultReason.HeaderDigest,
            ScanFault.AdditionalHeaderTooLong => SessionFaultReason.AdditionalHeader,
            _ => SessionFaultReason.DataSegmentTooLong,
        };
        return new SessionFault(reason, (byte)BasicHeader.Opcode(header), scanner.FaultValue);
    }
}
