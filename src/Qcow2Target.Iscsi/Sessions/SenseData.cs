namespace Qcow2Target.Iscsi.Sessions;

/// <summary>The few sense data that the transport itself reports, in fixed format (SPC-4 4.5.3).</summary>
internal static class SenseData
{
    public const byte CheckCondition = 2;

    /// <summary>ABORTED COMMAND, UNEXPECTED UNSOLICITED DATA.</summary>
    public static readonly byte[] UnexpectedUnsolicitedData = Fixed(0x0B, 0x0C, 0x0C);

    /// <summary>ABORTED COMMAND, NOT ENOUGH UNSOLICITED DATA: the incorrect amount.</summary>
    public static readonly byte[] IncorrectAmountOfData = Fixed(0x0B, 0x0C, 0x0D);

    /// <summary>ABORTED COMMAND, PROTOCOL SERVICE CRC ERROR: digests and broken sequences (RFC 7143 11.4.7.2).</summary>
    public static readonly byte[] ProtocolServiceCrcError = Fixed(0x0B, 0x47, 0x05);

    /// <summary>ILLEGAL REQUEST, INVALID FIELD IN COMMAND INFORMATION UNIT: data in a direction that the command does not have.</summary>
    public static readonly byte[] InvalidFieldInCommandInformationUnit = Fixed(0x05, 0x0E, 0x03);

    private static byte[] Fixed(byte key, byte asc, byte ascq)
    {
        var sense = new byte[18];
        sense[0] = 0x70;
        sense[2] = key;
        sense[7] = 10;
        sense[12] = asc;
        sense[13] = ascq;
        return sense;
    }
}
