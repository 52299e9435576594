using Qcow2Target.Scsi.Commands;
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

    // Where a command has no field of its own in them: the control byte, of which NACA is looked at (and refused).
    private const byte Control = 0x04;

    private static readonly CommandDescriptor[] Rows =
    [
        new("TEST UNIT READY", 0x00, null, [0x00, 0, 0, 0, 0, Control], TestUnitReady.Begin),
    ];

    private static readonly CommandDescriptor?[] WithoutServiceAction = Index(row => row.ServiceAction is null, row => row.Opcode, 256);
    private static readonly CommandDescriptor?[] WithServiceAction =
        Index(row => row.ServiceAction is not null, row => ServiceActionIndex(row.Opcode, row.ServiceAction!.Value), 256 << 5);
    private static readonly bool[] HasServiceActions = Flags();

    /// <summary>All rows, by opcode and service action.</summary>
    public static ReadOnlySpan<CommandDescriptor> All => Rows;

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
