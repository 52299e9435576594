namespace Qcow2Target.Testing.Fuzzing;

/// <summary>What sense data a disk of ours may send: well-formed (SPC-4 4.5.2, 4.5.3) and of a listed key, ASC and ASCQ.</summary>
public static class SenseRules
{
    // Key, ASC, ASCQ as 0xKKAACC.
    private static readonly HashSet<int> Known =
    [
        0x000000,
        0x020401, 0x020403, 0x020404, 0x020407, 0x020412, 0x02041B, 0x023A00, 0x023A01, 0x023A02,
        0x030C00, 0x031100, 0x033100, 0x033101, 0x033103,
        0x044400,
        0x050016, 0x050E03, 0x051A00, 0x052000, 0x052100, 0x052400, 0x052500, 0x052600, 0x052604, 0x052606, 0x052607, 0x052608, 0x052609, 0x053900, 0x054900, 0x055302, 0x055504,
        0x062800, 0x062900, 0x062901, 0x062902, 0x062903, 0x062907, 0x062A01, 0x062A03, 0x062A04, 0x062A05, 0x062A06, 0x062A09, 0x062F00, 0x063807, 0x063F03, 0x063F0E, 0x06477F,
        0x072700, 0x072702, 0x072707,
        0x0A0000, 0x0A0804, 0x0A0D01, 0x0A0D02,
        0x0B0C0C, 0x0B0C0D, 0x0B4400, 0x0B4705,
        0x0E1D00,
    ];

    /// <summary>What is wrong with <paramref name="sense"/>, or null; and its key, ASC and ASCQ as 0xKKAACC.</summary>
    public static string? FaultOf(ReadOnlySpan<byte> sense, out int code)
    {
        code = -1;
        if (sense.Length < 8) return $"sense of {sense.Length} bytes";
        if (sense[7] != sense.Length - 8) return $"sense of {sense.Length} bytes tells of {sense[7]} more than 8";
        switch (sense[0] & 0x7F)
        {
            case 0x70 or 0x71:
                if (sense.Length < 18) return $"fixed sense of {sense.Length} bytes";
                code = ((sense[2] & 0x0F) << 16) | (sense[12] << 8) | sense[13];
                break;
            case 0x72 or 0x73:
                code = ((sense[1] & 0x0F) << 16) | (sense[2] << 8) | sense[3];
                if (DescriptorFault(sense[8..]) is { } fault) return fault;
                break;
            default:
                return $"response code 0x{sense[0]:x2}";
        }
        return Known.Contains(code) ? null : $"sense {code >> 16:x}/{(code >> 8) & 0xFF:x2}/{code & 0xFF:x2}, which no rule gives";
    }

    private static string? DescriptorFault(ReadOnlySpan<byte> descriptors)
    {
        while (descriptors.Length > 0)
        {
            if (descriptors.Length < 2 || 2 + descriptors[1] > descriptors.Length) return "a sense descriptor that is cut off";
            int expected = descriptors[0] switch { 0x00 or 0x01 => 0x0A, 0x02 => 0x06, _ => -1 };
            if (descriptors[1] != expected) return $"sense descriptor {descriptors[0]} of length {descriptors[1]}";
            descriptors = descriptors[(2 + descriptors[1])..];
        }
        return null;
    }
}
