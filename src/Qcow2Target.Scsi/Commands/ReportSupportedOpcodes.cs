using Qcow2Target.Scsi.Cdb;
using Qcow2Target.Scsi.Sense;

namespace Qcow2Target.Scsi.Commands;

/// <summary>REPORT SUPPORTED OPERATION CODES (SPC-4 6.35): what the command table holds, all of it or one row.</summary>
internal static class ReportSupportedOpcodes
{
    private const int OptionsField = 2;
    private const int OptionsBit = 2;
    private const byte ReturnTimeouts = 0x80;   // RCTD
    private const int OpcodeField = 3;
    private const int ServiceActionField = 4;
    private const int AllocationField = 6;

    private const int ListHeaderBytes = 4;
    private const int DescriptorBytes = 8;
    private const byte DescriptorHasServiceAction = 0x01;   // SERVACTV
    private const byte DescriptorHasTimeouts = 0x02;        // CTDP
    private const byte OneHasTimeouts = 0x80;               // CTDP
    private const byte NotSupported = 1;
    private const byte Supported = 3;
    private const int OneHeaderBytes = 4;
    private const int TimeoutsBytes = 12;
    private const int TimeoutsLength = TimeoutsBytes - 2;

    private enum ReportingOptions
    {
        All = 0,
        Opcode = 1,
        OpcodeAndServiceAction = 2,
        Either = 3,
    }

    public static CommandPlan Begin(in CommandContext context)
    {
        ReadOnlySpan<byte> cdb = context.Cdb;
        bool withTimeouts = (cdb[OptionsField] & ReturnTimeouts) != 0;
        var options = (ReportingOptions)(cdb[OptionsField] & 0x07);
        uint allocationLength = cdb.U32(AllocationField);
        if (options == ReportingOptions.All)
            return context.Answer(EncodeAll(withTimeouts), allocationLength);

        byte opcode = cdb[OpcodeField];
        int serviceAction = cdb.U16(ServiceActionField);
        bool hasServiceActions = CommandTable.OpcodeHasServiceActions(opcode);
        bool fits = options switch
        {
            ReportingOptions.Opcode => !hasServiceActions,
            // An unknown opcode has no service actions either, but "not supported" is the better answer to it.
            ReportingOptions.OpcodeAndServiceAction => hasServiceActions || CommandTable.Find(opcode, 0) is null,
            ReportingOptions.Either => true,
            _ => false,
        };
        if (!fits)
            return context.Refuse(SenseData.InvalidFieldInCdb(OptionsField, OptionsBit));

        // An opcode without service actions has none but 0 to be asked for (SPC-4 6.35.1).
        bool named = hasServiceActions ? serviceAction <= CommandTable.ServiceActionMask : options == ReportingOptions.Opcode || serviceAction == 0;
        CommandDescriptor? command = named ? CommandTable.Find(opcode, (byte)serviceAction) : null;
        return context.Answer(EncodeOne(command, withTimeouts), allocationLength);
    }

    private static byte[] EncodeAll(bool withTimeouts)
    {
        int each = DescriptorBytes + (withTimeouts ? TimeoutsBytes : 0);
        ReadOnlySpan<CommandDescriptor> commands = CommandTable.Commands;
        byte[] data = new byte[ListHeaderBytes + (commands.Length * each)];
        data.PutU32(0, (uint)(data.Length - ListHeaderBytes));
        for (int i = 0; i < commands.Length; i++)
        {
            CommandDescriptor command = commands[i];
            int at = ListHeaderBytes + (i * each);
            data[at] = command.Opcode;
            data.PutU16(at + 2, command.ServiceAction ?? 0);
            data[at + 5] = (byte)((command.ServiceAction is null ? 0 : DescriptorHasServiceAction) | (withTimeouts ? DescriptorHasTimeouts : 0));
            data.PutU16(at + 6, command.CdbLength);
            if (withTimeouts)
                data.PutU16(at + DescriptorBytes, TimeoutsLength);   // no timeout is indicated: the rest stays 0
        }

        return data;
    }

    private static byte[] EncodeOne(CommandDescriptor? command, bool withTimeouts)
    {
        if (command is null)
            return [0, NotSupported, 0, 0];

        int usageEnd = OneHeaderBytes + command.CdbLength;
        byte[] data = new byte[usageEnd + (withTimeouts ? TimeoutsBytes : 0)];
        data[1] = (byte)(Supported | (withTimeouts ? OneHasTimeouts : 0));
        data.PutU16(2, command.CdbLength);
        command.Usage.CopyTo(data, OneHeaderBytes);
        if (withTimeouts)
            data.PutU16(usageEnd, TimeoutsLength);
        return data;
    }
}
