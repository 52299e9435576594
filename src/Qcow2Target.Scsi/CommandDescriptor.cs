using Qcow2Target.Scsi.Reservations;

namespace Qcow2Target.Scsi;

/// <summary>Judges a CDB whose LUN, unit attention and reservation have been looked at.</summary>
internal delegate CommandPlan CommandHandler(in CommandContext context);

/// <summary>Whether a pending unit attention is reported in a command's stead (SAM-5 5.14).</summary>
internal enum AttentionRule
{
    Reported,
    Left,
}

/// <summary>Whether a command conflicts with another nexus's RESERVE (SPC-2 table 9).</summary>
internal enum ReservationRule
{
    Conflicts,
    Allowed,

    /// <summary>Conflicts also with the nexus's own: persistent reservations and RESERVE exclude each other (SPC-2 5.5.1).</summary>
    ConflictsWithAny,
}

/// <summary>Whether a command is done while an operation has the whole medium (SBC-3 4.11.2).</summary>
internal enum OperationRule
{
    Refused,
    Allowed,

    /// <summary>Only when the operation has failed: what may end the failure.</summary>
    AllowedAfterFailure,
}

/// <summary>Tells CDBs of one command apart.</summary>
internal delegate bool CdbTest(ReadOnlySpan<byte> cdb);

/// <summary>One row of the command table.</summary>
/// <param name="Name">As the standard writes it.</param>
/// <param name="Opcode">Operation code, CDB byte 0.</param>
/// <param name="ServiceAction">Service action, CDB byte 1 bits 4-0, or null for an opcode that has none.</param>
/// <param name="Usage">CDB usage map: a bit is 1 where the command looks at it (SPC-4 6.35.3). Its length is the CDB's.</param>
/// <param name="Handler">Judges the CDB.</param>
internal sealed record CommandDescriptor(string Name, byte Opcode, byte? ServiceAction, byte[] Usage, CommandHandler Handler)
{
    public AttentionRule Attention { get; init; } = AttentionRule.Reported;

    public ReservationRule Reservation { get; init; } = ReservationRule.Conflicts;

    /// <summary>What it needs under a persistent reservation (SPC-4 table 63, SBC-3 table 12).</summary>
    public ReservationAccess Access { get; init; } = ReservationAccess.Write;

    public OperationRule Operation { get; init; } = OperationRule.Refused;

    /// <summary>CDBs of this command that conflict with no reservation of either kind: starting the unit, allowing removal.</summary>
    public CdbTest? NeverConflicts { get; init; }

    public int CdbLength => Usage.Length;
}
