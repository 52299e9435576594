namespace Qcow2Target.Iscsi.Sessions;

/// <summary>The few sense data that the transport itself reports, laid out in both formats (SPC-4 4.5.2, 4.5.3): D_SENSE chooses.</summary>
internal sealed class SenseData
{
    public const byte CheckCondition = 2;

    private readonly byte[] _fixed;
    private readonly byte[] _descriptor;

    private SenseData(byte key, byte asc, byte ascq)
    {
        _fixed = [0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0];
        _descriptor = [0x72, key, asc, ascq, 0, 0, 0, 0];
    }

    /// <summary>ABORTED COMMAND, UNEXPECTED UNSOLICITED DATA.</summary>
    public static SenseData UnexpectedUnsolicitedData { get; } = new(0x0B, 0x0C, 0x0C);

    /// <summary>ABORTED COMMAND, NOT ENOUGH UNSOLICITED DATA: the incorrect amount.</summary>
    public static SenseData IncorrectAmountOfData { get; } = new(0x0B, 0x0C, 0x0D);

    /// <summary>ABORTED COMMAND, PROTOCOL SERVICE CRC ERROR: digests and broken sequences (RFC 7143 11.4.7.2).</summary>
    public static SenseData ProtocolServiceCrcError { get; } = new(0x0B, 0x47, 0x05);

    /// <summary>ILLEGAL REQUEST, INVALID FIELD IN COMMAND INFORMATION UNIT: data in a direction that the command does not have.</summary>
    public static SenseData InvalidFieldInCommandInformationUnit { get; } = new(0x05, 0x0E, 0x03);

    /// <summary>ILLEGAL REQUEST, INVALID MESSAGE ERROR: attribute ACA where there is no ACA condition (SAM-5 8.9; NORMACA is 0).</summary>
    public static SenseData InvalidMessageError { get; } = new(0x05, 0x49, 0x00);

    public ReadOnlySpan<byte> Encode(bool descriptor) => descriptor ? _descriptor : _fixed;
}
