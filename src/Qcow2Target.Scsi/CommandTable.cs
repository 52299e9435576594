using Qcow2Target.Scsi.Commands;
using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi;

/// <summary>
/// Every command of a disk, once: dispatch looks opcodes up here and REPORT SUPPORTED OPERATION CODES lists what is here, so that the
/// two cannot differ. A new command is a file in Commands/ and a row here (docs/dev/add-a-scsi-command.md).
/// </summary>
internal static class CommandTable
{
    public const byte ServiceActionMask = 0x1F;
    public const int ServiceActionBit = 4;

    // Usage maps: a bit that is looked at is 1. All commands look at NACA in the control byte (and refuse it).
    private const byte Control = 0x04;
    private const byte All = 0xFF;
    private const byte DpoFua = 0x18;
    private const byte DpoByteCheck = 0x16;

    private static readonly CommandDescriptor[] Rows =
    [
        new("TEST UNIT READY", 0x00, null, [0x00, 0, 0, 0, 0, Control], TestUnitReady.Begin) { Access = ReservationAccess.None },
        new("REQUEST SENSE", 0x03, null, [0x03, 0x01, 0, 0, All, Control], RequestSense.Begin)
        {
            Attention = AttentionRule.Left, Reservation = ReservationRule.Allowed, Access = ReservationAccess.None, Operation = OperationRule.Allowed,
        },
        new("FORMAT UNIT", 0x04, null, [0x04, 0xF7, 0, 0, 0x03, Control], FormatUnit.Begin),
        new("READ (6)", 0x08, null, [0x08, 0x1F, All, All, All, Control], Read.Begin) { Access = ReservationAccess.Read },
        new("WRITE (6)", 0x0A, null, [0x0A, 0x1F, All, All, All, Control], Write.Begin),
        new("INQUIRY", 0x12, null, [0x12, 0x03, All, All, All, Control], Inquiry.Begin)
        {
            Attention = AttentionRule.Left, Reservation = ReservationRule.Allowed, Access = ReservationAccess.None, Operation = OperationRule.Allowed,
        },
        new("MODE SELECT (6)", 0x15, null, [0x15, 0x11, 0, 0, All, Control], ModeSelect.Begin6),
        new("RESERVE (6)", 0x16, null, [0x16, 0x11, 0, 0, 0, Control], ReserveRelease.BeginReserve) { Access = ReservationAccess.Superseded },
        new("RELEASE (6)", 0x17, null, [0x17, 0x11, 0, 0, 0, Control], ReserveRelease.BeginRelease) { Reservation = ReservationRule.Allowed, Access = ReservationAccess.Superseded },
        new("MODE SENSE (6)", 0x1A, null, [0x1A, 0x08, All, All, All, Control], ModeSense.Begin6) { Access = ReservationAccess.Read },
        new("START STOP UNIT", 0x1B, null, [0x1B, 0, 0, 0, 0xF7, Control], StartStopUnit.Begin) { NeverConflicts = StartStopUnit.Starts },
        new("SEND DIAGNOSTIC", 0x1D, null, [0x1D, 0xE4, 0, All, All, Control], SendDiagnostic.Begin),
        new("PREVENT ALLOW MEDIUM REMOVAL", 0x1E, null, [0x1E, 0, 0, 0, 0x03, Control], PreventAllowMediumRemoval.Begin) { NeverConflicts = PreventAllowMediumRemoval.Allows },
        new("READ CAPACITY (10)", 0x25, null, [0x25, 0, 0, 0, 0, 0, 0, 0, 0, Control], ReadCapacity.Begin10) { Reservation = ReservationRule.Allowed, Access = ReservationAccess.None },
        new("READ (10)", 0x28, null, [0x28, DpoFua, All, All, All, All, 0, All, All, Control], Read.Begin) { Access = ReservationAccess.Read },
        new("WRITE (10)", 0x2A, null, [0x2A, DpoFua, All, All, All, All, 0, All, All, Control], Write.Begin),
        new("WRITE AND VERIFY (10)", 0x2E, null, [0x2E, DpoByteCheck, All, All, All, All, 0, All, All, Control], WriteAndVerify.Begin),
        new("VERIFY (10)", 0x2F, null, [0x2F, DpoByteCheck, All, All, All, All, 0, All, All, Control], Verify.Begin) { Access = ReservationAccess.Read },
        new("PRE-FETCH (10)", 0x34, null, [0x34, 0, All, All, All, All, 0, All, All, Control], PreFetch.Begin) { Access = ReservationAccess.Read },
        new("SYNCHRONIZE CACHE (10)", 0x35, null, [0x35, 0x02, All, All, All, All, 0, All, All, Control], SynchronizeCache.Begin),
        new("READ DEFECT DATA (10)", 0x37, null, [0x37, 0, 0x1F, 0, 0, 0, 0, All, All, Control], ReadDefectData.Begin10) { Access = ReservationAccess.Read },
        new("WRITE SAME (10)", 0x41, null, [0x41, 0x1E, All, All, All, All, 0, All, All, Control], WriteSame.Begin10),
        new("UNMAP", 0x42, null, [0x42, 0x01, 0, 0, 0, 0, 0, All, All, Control], Unmap.Begin),
        Sanitizing("OVERWRITE", 0xA1, Sanitize.BeginOverwrite),
        Sanitizing("BLOCK ERASE", 0xA2, Sanitize.BeginBlockErase),
        Sanitizing("EXIT FAILURE MODE", 0x1F, Sanitize.BeginExitFailureMode),
        new("MODE SELECT (10)", 0x55, null, [0x55, 0x11, 0, 0, 0, 0, 0, All, All, Control], ModeSelect.Begin10),
        new("RESERVE (10)", 0x56, null, [0x56, 0x11, 0, 0, 0, 0, 0, 0, 0, Control], ReserveRelease.BeginReserve) { Access = ReservationAccess.Superseded },
        new("RELEASE (10)", 0x57, null, [0x57, 0x11, 0, 0, 0, 0, 0, 0, 0, Control], ReserveRelease.BeginRelease) { Reservation = ReservationRule.Allowed, Access = ReservationAccess.Superseded },
        new("MODE SENSE (10)", 0x5A, null, [0x5A, 0x18, All, All, 0, 0, 0, All, All, Control], ModeSense.Begin10) { Access = ReservationAccess.Read },
        ReserveIn("READ KEYS", 0x00, PersistentReserveIn.BeginReadKeys),
        ReserveIn("READ RESERVATION", 0x01, PersistentReserveIn.BeginReadReservation),
        ReserveIn("REPORT CAPABILITIES", 0x02, PersistentReserveIn.BeginReportCapabilities),
        ReserveIn("READ FULL STATUS", 0x03, PersistentReserveIn.BeginReadFullStatus),
        ReserveOut("REGISTER", 0x00, PersistentReserveOut.BeginRegister),
        ReserveOut("RESERVE", 0x01, PersistentReserveOut.BeginReserve, All),
        ReserveOut("RELEASE", 0x02, PersistentReserveOut.BeginRelease, All),
        ReserveOut("CLEAR", 0x03, PersistentReserveOut.BeginClear),
        ReserveOut("PREEMPT", 0x04, PersistentReserveOut.BeginPreempt, All),
        ReserveOut("PREEMPT AND ABORT", 0x05, PersistentReserveOut.BeginPreemptAndAbort, All),
        ReserveOut("REGISTER AND IGNORE EXISTING KEY", 0x06, PersistentReserveOut.BeginRegisterAndIgnore),
        ReserveOut("REGISTER AND MOVE", 0x07, PersistentReserveOut.BeginRegisterAndMove),
        new("EXTENDED COPY", 0x83, 0x00, [0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, All, All, All, All, 0, Control], ExtendedCopy.Begin),
        ReceiveCopy("COPY STATUS", 0x00, ReceiveCopyResults.BeginCopyStatus, All),
        ReceiveCopy("OPERATING PARAMETERS", 0x03, ReceiveCopyResults.BeginOperatingParameters, 0),
        new("READ (16)", 0x88, null, [0x88, DpoFua, All, All, All, All, All, All, All, All, All, All, All, All, 0, Control], Read.Begin) { Access = ReservationAccess.Read },
        new("COMPARE AND WRITE", 0x89, null, [0x89, DpoFua, All, All, All, All, All, All, All, All, 0, 0, 0, All, 0, Control], CompareAndWrite.Begin),
        new("WRITE (16)", 0x8A, null, [0x8A, DpoFua, All, All, All, All, All, All, All, All, All, All, All, All, 0, Control], Write.Begin),
        new("ORWRITE (16)", 0x8B, null, [0x8B, DpoFua, All, All, All, All, All, All, All, All, All, All, All, All, 0, Control], OrWrite.Begin),
        new("WRITE AND VERIFY (16)", 0x8E, null, [0x8E, DpoByteCheck, All, All, All, All, All, All, All, All, All, All, All, All, 0, Control], WriteAndVerify.Begin),
        new("VERIFY (16)", 0x8F, null, [0x8F, DpoByteCheck, All, All, All, All, All, All, All, All, All, All, All, All, 0, Control], Verify.Begin) { Access = ReservationAccess.Read },
        new("PRE-FETCH (16)", 0x90, null, [0x90, 0, All, All, All, All, All, All, All, All, All, All, All, All, 0, Control], PreFetch.Begin) { Access = ReservationAccess.Read },
        new("SYNCHRONIZE CACHE (16)", 0x91, null, [0x91, 0x02, All, All, All, All, All, All, All, All, All, All, All, All, 0, Control], SynchronizeCache.Begin),
        new("WRITE SAME (16)", 0x93, null, [0x93, 0x1F, All, All, All, All, All, All, All, All, All, All, All, All, 0, Control], WriteSame.Begin16),
        new("READ CAPACITY (16)", 0x9E, 0x10, [0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, All, All, All, All, 0, Control], ReadCapacity.Begin16)
        {
            Reservation = ReservationRule.Allowed, Access = ReservationAccess.None,
        },
        new("GET LBA STATUS", 0x9E, 0x12, [0x9E, 0x12, All, All, All, All, All, All, All, All, All, All, All, All, 0, Control], GetLbaStatus.Begin) { Access = ReservationAccess.Read },
        new("REPORT LUNS", 0xA0, null, [0xA0, 0, All, 0, 0, 0, All, All, All, All, 0, Control], ReportLuns.Begin)
        {
            Attention = AttentionRule.Left, Reservation = ReservationRule.Allowed, Access = ReservationAccess.None, Operation = OperationRule.Allowed,
        },
        new("REPORT TARGET PORT GROUPS", 0xA3, 0x0A, [0xA3, 0xEA, 0, 0, 0, 0, All, All, All, All, 0, Control], ReportTargetPortGroups.Begin) { Access = ReservationAccess.None },
        new("REPORT SUPPORTED OPERATION CODES", 0xA3, 0x0C, [0xA3, 0x0C, 0x87, All, All, All, All, All, All, All, 0, Control], ReportSupportedOpcodes.Begin) { Access = ReservationAccess.Read },
        new("REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", 0xA3, 0x0D, [0xA3, 0x0D, 0x80, 0, 0, 0, All, All, All, All, 0, Control], ReportSupportedTaskManagement.Begin) { Access = ReservationAccess.Read },
        new("READ (12)", 0xA8, null, [0xA8, DpoFua, All, All, All, All, All, All, All, All, 0, Control], Read.Begin) { Access = ReservationAccess.Read },
        new("WRITE (12)", 0xAA, null, [0xAA, DpoFua, All, All, All, All, All, All, All, All, 0, Control], Write.Begin),
        new("WRITE AND VERIFY (12)", 0xAE, null, [0xAE, DpoByteCheck, All, All, All, All, All, All, All, All, 0, Control], WriteAndVerify.Begin),
        new("VERIFY (12)", 0xAF, null, [0xAF, DpoByteCheck, All, All, All, All, All, All, All, All, 0, Control], Verify.Begin) { Access = ReservationAccess.Read },
        new("READ DEFECT DATA (12)", 0xB7, null, [0xB7, 0x1F, 0, 0, 0, 0, All, All, All, All, 0, Control], ReadDefectData.Begin12) { Access = ReservationAccess.Read },
    ];

    private static readonly CommandDescriptor?[] WithoutServiceAction = Index(row => row.ServiceAction is null, row => row.Opcode, 256);
    private static readonly CommandDescriptor?[] WithServiceAction =
        Index(row => row.ServiceAction is not null, row => ServiceActionIndex(row.Opcode, row.ServiceAction!.Value), 256 << 5);
    private static readonly bool[] HasServiceActions = Flags();

    /// <param name="usage">Of byte 1: IMMED (80h) and AUSE (20h) where they mean something, and the service action. What is only checked to be 0 is reserved.</param>
    private static CommandDescriptor Sanitizing(string name, byte usage, CommandHandler handler) =>
        new("SANITIZE: " + name, 0x48, (byte)(usage & ServiceActionMask), [0x48, usage, 0, 0, 0, 0, 0, All, All, Control], handler)
        {
            Operation = OperationRule.AllowedAfterFailure,
        };

    private static CommandDescriptor ReceiveCopy(string name, byte serviceAction, CommandHandler handler, byte listId) =>
        new("RECEIVE COPY RESULTS: " + name, 0x84, serviceAction, [0x84, serviceAction, listId, 0, 0, 0, 0, 0, 0, 0, All, All, All, All, 0, Control], handler)
        {
            Access = ReservationAccess.Read,
        };

    private static CommandDescriptor ReserveIn(string name, byte serviceAction, CommandHandler handler) =>
        new("PERSISTENT RESERVE IN: " + name, 0x5E, serviceAction, [0x5E, serviceAction, 0, 0, 0, 0, 0, All, All, Control], handler)
        {
            Reservation = ReservationRule.ConflictsWithAny,
            Access = ReservationAccess.None,
        };

    private static CommandDescriptor ReserveOut(string name, byte serviceAction, CommandHandler handler, byte scopeAndType = 0) =>
        new("PERSISTENT RESERVE OUT: " + name, 0x5F, serviceAction, [0x5F, serviceAction, scopeAndType, 0, 0, All, All, All, All, Control], handler)
        {
            Reservation = ReservationRule.ConflictsWithAny,
            Access = ReservationAccess.None,
        };

    /// <summary>All rows, by opcode and service action.</summary>
    public static ReadOnlySpan<CommandDescriptor> Commands => Rows;

    /// <summary>The row of <paramref name="cdb"/>, or null and why there is none.</summary>
    public static CommandDescriptor? Find(ReadOnlySpan<byte> cdb, out SenseData? refusal)
    {
        refusal = null;
        if (cdb.Length >= 2 && Find(cdb[0], (byte)(cdb[1] & ServiceActionMask)) is { } command)
            return command;

        refusal = cdb.Length >= 2 && HasServiceActions[cdb[0]]
            ? SenseData.InvalidFieldInCdb(1, ServiceActionBit)
            : SenseData.InvalidOpcode;
        return null;
    }

    /// <summary>The row of an opcode; <paramref name="serviceAction"/> counts only where the opcode has service actions.</summary>
    public static CommandDescriptor? Find(byte opcode, byte serviceAction) =>
        HasServiceActions[opcode] ? WithServiceAction[ServiceActionIndex(opcode, serviceAction)] : WithoutServiceAction[opcode];

    /// <summary>Whether some row of that opcode has a service action.</summary>
    public static bool OpcodeHasServiceActions(byte opcode) => HasServiceActions[opcode];

    private static int ServiceActionIndex(byte opcode, byte serviceAction) => (opcode << 5) | serviceAction;

    private static CommandDescriptor?[] Index(Func<CommandDescriptor, bool> which, Func<CommandDescriptor, int> key, int size)
    {
        var index = new CommandDescriptor?[size];
        foreach (CommandDescriptor row in Rows.Where(which))
        {
            ref CommandDescriptor? place = ref index[key(row)];
            if (place is not null)
                throw new InvalidOperationException($"{row.Name} and {place.Name} have one operation code.");
            place = row;
        }

        return index;
    }

    private static bool[] Flags()
    {
        bool[] flags = new bool[256];
        foreach (CommandDescriptor row in Rows)
            flags[row.Opcode] |= row.ServiceAction is not null;
        return flags;
    }
}
