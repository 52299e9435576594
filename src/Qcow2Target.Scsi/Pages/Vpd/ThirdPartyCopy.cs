using Qcow2Target.Scsi.Cdb;

namespace Qcow2Target.Scsi.Pages.Vpd;

/// <summary>VPD 8Fh (SPC-4 7.8.17): the commands of third-party copying, as the command table has them.</summary>
internal static class ThirdPartyCopy
{
    private const int SupportedCommands = 0x0001;
    private static readonly byte[] Opcodes = [0x83, 0x84];

    public static byte[] Body(in CommandContext context)
    {
        byte[] commands = [.. Opcodes.SelectMany(Command)];
        int length = (1 + commands.Length + 3) / 4 * 4;   // to whole words
        byte[] body = new byte[4 + length];
        body.PutU16(0, SupportedCommands);
        body.PutU16(2, length);
        body[4] = (byte)commands.Length;
        commands.CopyTo(body, 5);
        return body;
    }

    private static byte[] Command(byte opcode)
    {
        byte[] actions = [.. CommandTable.Commands.ToArray().Where(row => row.Opcode == opcode).Select(row => row.ServiceAction!.Value)];
        return [opcode, (byte)actions.Length, .. actions];
    }
}
