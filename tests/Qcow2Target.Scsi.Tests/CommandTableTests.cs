using Qcow2Target.Scsi.Sense;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests;

public sealed class CommandTableTests
{
    [Fact]
    public void Every_usage_map_begins_with_the_opcode_and_service_action_and_fits_the_opcodes_group()
    {
        foreach (CommandDescriptor command in CommandTable.Commands)
        {
            Assert.Equal(command.Opcode, command.Usage[0]);
            if (command.ServiceAction is { } serviceAction)
                Assert.Equal(serviceAction, command.Usage[1] & CommandTable.ServiceActionMask);
            int length = (command.Opcode >> 5) switch
            {
                0 => 6,
                1 or 2 => 10,
                4 => 16,
                _ => 12,
            };
            Assert.Equal(length, command.CdbLength);
            Assert.Equal(0x04, command.Usage[^1]);
        }
    }

    [Fact]
    public void Rows_are_sorted_and_unique()
    {
        int[] keys = [.. CommandTable.Commands.ToArray().Select(command => (command.Opcode << 5) | (command.ServiceAction ?? 0))];

        Assert.Equal(keys.Order(), keys);
        Assert.Equal(keys.Distinct(), keys);
        Assert.Equal(CommandTable.Commands.Length, CommandTable.Commands.ToArray().Select(command => command.Name).Distinct().Count());
    }

    [Fact]
    public void An_unknown_service_action_is_a_field_and_an_unknown_opcode_is_not()
    {
        Assert.Null(CommandTable.Find([0x9E, 0x11, 0, 0], out SenseData? refusal));
        Assert.Equal(SenseData.InvalidFieldInCdb(1, 4), refusal);
        Assert.Null(CommandTable.Find([0x4D, 0], out refusal));
        Assert.Equal(SenseData.InvalidOpcode, refusal);
        Assert.Null(CommandTable.Find([0x00], out refusal));
        Assert.Equal(SenseData.InvalidOpcode, refusal);
        Assert.Null(CommandTable.Find([], out refusal));
        Assert.Equal(SenseData.InvalidOpcode, refusal);
    }

    [Theory]
    [InlineData(0x07)]   // REASSIGN BLOCKS
    [InlineData(0x3B)]   // WRITE BUFFER
    [InlineData(0x4D)]   // LOG SENSE
    [InlineData(0x9C)]   // WRITE ATOMIC: a write may touch several tables
    public void What_is_not_there_yet_is_refused_as_unknown(byte opcode) => Assert.Equal("5/20/00@0", new Bench().Refusal([opcode]));
}
