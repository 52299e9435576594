namespace Qcow2Target.Scsi.Sense;

/// <summary>Something an initiator has to be told before its next command is done (SAM-5 5.14; SPC-4 annex F for the codes).</summary>
public readonly record struct UnitAttention(byte Asc, byte Ascq)
{
    /// <summary>First command of a nexus since the daemon started.</summary>
    public static UnitAttention PowerOn => new(0x29, 0x00);

    /// <summary>TARGET COLD RESET.</summary>
    public static UnitAttention PowerOnOccurred => new(0x29, 0x01);

    /// <summary>TARGET WARM RESET.</summary>
    public static UnitAttention BusReset => new(0x29, 0x02);

    /// <summary>LOGICAL UNIT RESET.</summary>
    public static UnitAttention DeviceReset => new(0x29, 0x03);

    /// <summary>The nexus came back after it was lost.</summary>
    public static UnitAttention NexusLoss => new(0x29, 0x07);

    /// <summary>Another nexus changed mode parameters.</summary>
    public static UnitAttention ModeParametersChanged => new(0x2A, 0x01);

    /// <summary>Another nexus did CLEAR: this one's registration is gone.</summary>
    public static UnitAttention ReservationsPreempted => new(0x2A, 0x03);

    /// <summary>The persistent reservation that this registrant relied on is released, or of another type.</summary>
    public static UnitAttention ReservationsReleased => new(0x2A, 0x04);

    /// <summary>Another nexus took this one's registration away.</summary>
    public static UnitAttention RegistrationsPreempted => new(0x2A, 0x05);

    /// <summary>The disk grew or shrank.</summary>
    public static UnitAttention CapacityChanged => new(0x2A, 0x09);

    /// <summary>Another nexus cleared this one's tasks.</summary>
    public static UnitAttention CommandsCleared => new(0x2F, 0x00);

    /// <summary>A removable medium was loaded.</summary>
    public static UnitAttention MediumMayHaveChanged => new(0x28, 0x00);

    /// <summary>INQUIRY or VPD data changed: another disk answers under this number.</summary>
    public static UnitAttention InquiryDataChanged => new(0x3F, 0x03);

    /// <summary>A logical unit came or went.</summary>
    public static UnitAttention ReportedLunsChanged => new(0x3F, 0x0E);

    /// <summary>0 is reported first (SAM-5 table 53); everything that tells of no reset is equal.</summary>
    internal int Precedence => (Asc, Ascq) switch
    {
        (0x29, 0x00) => 0,
        (0x29, 0x01) => 1,
        (0x29, 0x02) => 2,
        (0x29, 0x03 or 0x04) => 3,
        (0x29, 0x07) => 4,
        _ => LowestPrecedence,
    };

    internal const int LowestPrecedence = 5;

    /// <summary>True where everything of less precedence that waits is covered by it.</summary>
    internal bool IsReset => Precedence <= 3;

    public override string ToString() => SenseData.Attention(this).Code.ToString();
}
