using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class ReportSupportedOpcodesTests
{
    private readonly Bench _bench = new();

    private static byte[] Cdb(byte options, byte opcode = 0, ushort serviceAction = 0, ushort allocation = 0xFFFF) =>
        [0xA3, 0x0C, options, opcode, (byte)(serviceAction >> 8), (byte)serviceAction, 0, 0, (byte)(allocation >> 8), (byte)allocation, 0, 0];

    private static List<(byte Opcode, int ServiceAction, byte Flags, int CdbLength)> Parse(byte[] list)
    {
        Assert.Equal(list.Length - 4, (list[0] << 24) | (list[1] << 16) | (list[2] << 8) | list[3]);
        List<(byte, int, byte, int)> commands = [];
        for (int at = 4; at < list.Length; at += (list[at + 5] & 2) != 0 ? 20 : 8)
        {
            commands.Add((list[at], (list[at + 2] << 8) | list[at + 3], list[at + 5], (list[at + 6] << 8) | list[at + 7]));
            if ((list[at + 5] & 2) != 0)
                Assert.Equal([0, 10, .. new byte[10]], list.AsSpan(at + 8, 12).ToArray());
        }

        return commands;
    }

    /// <summary>Dispatch takes exactly what is listed: tried with every opcode and service action.</summary>
    [Fact]
    public void The_list_holds_exactly_the_commands_that_are_accepted()
    {
        HashSet<(byte, int)> listed = [.. Parse(_bench.Data(Cdb(0))).Select(command => (command.Opcode, command.ServiceAction))];
        HashSet<byte> withServiceActions = [.. Parse(_bench.Data(Cdb(0))).Where(command => (command.Flags & 1) != 0).Select(command => command.Opcode)];

        for (int opcode = 0; opcode < 256; opcode++)
        {
            for (int serviceAction = 0; serviceAction < 32; serviceAction++)
            {
                string outcome = Bench.Describe(_bench.Run([(byte)opcode, (byte)serviceAction, .. new byte[14]]));
                bool isAccepted = outcome is not "5/20/00@0"
                    && !(outcome == "5/24/00@1.4" && withServiceActions.Contains((byte)opcode));
                bool isListed = listed.Contains(((byte)opcode, withServiceActions.Contains((byte)opcode) ? serviceAction : 0));
                Assert.True(isAccepted == isListed, $"{opcode:X2}/{serviceAction:X2}: {outcome}");
                _bench.Run([0x17]);
            }
        }
    }

    [Theory]
    [InlineData(0x00, 0)]
    [InlineData(0x80, 2)]
    public void Timeouts_come_when_asked_for(byte returnTimeouts, byte flag)
    {
        var commands = Parse(_bench.Data(Cdb(returnTimeouts)));

        Assert.Equal(CommandTable.Commands.Length, commands.Count);
        Assert.All(commands, command => Assert.Equal(flag, command.Flags & 2));
        Assert.All(commands, command => Assert.True((command.Flags & 1) != 0 || command.ServiceAction == 0));
    }

    [Fact]
    public void Each_listed_command_can_be_asked_for_alone()
    {
        foreach (var (opcode, serviceAction, flags, cdbLength) in Parse(_bench.Data(Cdb(0))))
        {
            bool hasServiceActions = (flags & 1) != 0;
            byte right = (byte)(hasServiceActions ? 2 : 1);
            byte[] data = _bench.Data(Cdb(right, opcode, (ushort)serviceAction));

            Assert.Equal([0, 3, 0, (byte)cdbLength, opcode], data.AsSpan(0, 5).ToArray());
            Assert.Equal(4 + cdbLength, data.Length);
            Assert.Equal(data, _bench.Data(Cdb(3, opcode, (ushort)serviceAction)));
            Assert.Equal("5/24/00@2.2", _bench.Refusal(Cdb((byte)(3 - right), opcode, (ushort)serviceAction)));
        }
    }

    [Fact]
    public void One_command_has_timeouts_when_asked_for()
    {
        byte[] data = _bench.Data(Cdb(0x81, 0x28));

        Assert.Equal(0x83, data[1]);
        Assert.Equal([0, 10, .. new byte[10]], data.AsSpan(14).ToArray());
    }

    [Theory]
    [InlineData(1, 0x4D, 0)]
    [InlineData(2, 0x4D, 0)]
    [InlineData(3, 0x4D, 0)]
    [InlineData(2, 0x9E, 0x11)]
    [InlineData(3, 0x9E, 0x11)]
    [InlineData(3, 0x28, 0x01)]
    [InlineData(3, 0x12, 0x100)]
    [InlineData(2, 0x9E, 0x110)]
    [InlineData(2, 0x9E, 0xFF10)]
    public void What_is_not_there_is_not_supported(byte options, byte opcode, ushort serviceAction) =>
        Assert.Equal([0, 1, 0, 0], _bench.Data(Cdb(options, opcode, serviceAction)));

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    public void Other_options_are_refused(byte options) => Assert.Equal("5/24/00@2.2", _bench.Refusal(Cdb(options)));

    [Fact]
    public void Data_is_cut_to_the_allocation_length() => Assert.Equal(7, _bench.Data(Cdb(0, allocation: 7)).Length);

    [Theory]
    [InlineData(0x28)]
    [InlineData(0x2A)]
    [InlineData(0x88)]
    [InlineData(0x8A)]
    [InlineData(0xA8)]
    [InlineData(0xAA)]
    public void Dpo_and_fua_are_in_the_usage_map_as_mode_sense_promises(byte opcode) => Assert.Equal(0x18, _bench.Data(Cdb(1, opcode))[5] & 0x18);

    [Theory]
    [InlineData(0x2E)]
    [InlineData(0x2F)]
    [InlineData(0x8E)]
    [InlineData(0x8F)]
    [InlineData(0xAE)]
    [InlineData(0xAF)]
    public void Dpo_is_in_the_usage_map_of_verifications(byte opcode) => Assert.Equal(0x10, _bench.Data(Cdb(1, opcode))[5] & 0x18);

    /// <summary>SBC-3 5.19: bit 6 of byte 1 and bytes 2 to 6 are reserved, and EXIT FAILURE MODE begins nothing that IMMED or AUSE could be about.</summary>
    [Theory]
    [InlineData(0x01, 0xA1)]
    [InlineData(0x02, 0xA2)]
    [InlineData(0x1F, 0x1F)]
    public void The_usage_map_of_sanitize_has_no_reserved_field(byte serviceAction, byte usage) =>
        Assert.Equal([0x48, usage, 0, 0, 0, 0, 0, 0xFF, 0xFF], _bench.Data(Cdb(2, 0x48, serviceAction))[4..13]);
}
