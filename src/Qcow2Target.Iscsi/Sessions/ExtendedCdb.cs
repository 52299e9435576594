using System.Buffers.Binary;

namespace Qcow2Target.Iscsi.Sessions;

/// <summary>Additional Header Segments of a SCSI Command (RFC 7143 11.2.2).</summary>
internal static class ExtendedCdb
{
    private const byte ExtendedCdbType = 1;
    private const int HeaderBytes = 4;

    /// <summary>
    /// Finds the CDB bytes beyond the sixteenth, if any. False: an unknown type, a length that does not fit, or a bidirectional read length, which no command here has.
    /// </summary>
    public static bool TryFind(ReadOnlySpan<byte> additionalHeader, out ReadOnlySpan<byte> rest)
    {
        rest = [];
        while (additionalHeader.Length >= HeaderBytes)
        {
            // AHSLength counts what follows the type byte, the reserved byte included, padding not.
            var length = BinaryPrimitives.ReadUInt16BigEndian(additionalHeader);
            var padded = (length + 3 + 3) & ~3;
            if (additionalHeader[2] != ExtendedCdbType || length < 1 || padded > additionalHeader.Length || !rest.IsEmpty) return false;
            rest = additionalHeader.Slice(HeaderBytes, length - 1);
            if (rest.Length > IscsiLimits.MaxCdbBytes - 16) return false;
            additionalHeader = additionalHeader[padded..];
        }

        return additionalHeader.IsEmpty;
    }
}
