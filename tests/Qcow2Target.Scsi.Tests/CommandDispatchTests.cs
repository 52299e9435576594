using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests;

public sealed class CommandDispatchTests
{
    private static readonly byte[] NeverAttention = [0x03, 0x12, 0xA0];
    private static readonly byte[] NeverConflict = [0x03, 0x12, 0x17, 0x1E, 0x25, 0x57, 0x9E, 0xA0];
    private static readonly byte[] ConflictWithAny = [0x5E, 0x5F];
    private static readonly (byte Opcode, byte ServiceAction) GetLbaStatus = (0x9E, 0x12);
    private readonly Bench _bench = new();

    public static TheoryData<byte, byte> Commands
    {
        get
        {
            var commands = new TheoryData<byte, byte>();
            foreach (CommandDescriptor command in CommandTable.Commands)
                commands.Add(command.Opcode, command.ServiceAction ?? 0);
            return commands;
        }
    }

    private static byte[] Cdb(byte opcode, byte serviceAction) => [opcode, serviceAction, .. new byte[14]];

    [Theory]
    [MemberData(nameof(Commands))]
    public void A_unit_attention_is_told_instead_of_the_command(byte opcode, byte serviceAction)
    {
        string outcome = Bench.Describe(_bench.Run(Cdb(opcode, serviceAction), nexus: Bench.FreshNexus()));

        Assert.Equal(!NeverAttention.Contains(opcode), outcome == "6/29/00");
    }

    [Fact]
    public void A_unit_attention_goes_before_an_unknown_opcode() => Assert.Equal("6/29/00", _bench.Refusal([0xFF], nexus: Bench.FreshNexus()));

    [Theory]
    [MemberData(nameof(Commands))]
    public void A_reservation_of_another_nexus_conflicts(byte opcode, byte serviceAction)
    {
        ItNexus holder = _bench.NewNexus();
        Assert.Equal("Good", _bench.Refusal([0x16], nexus: holder));

        string outcome = Bench.Describe(_bench.Run(Cdb(opcode, serviceAction)));

        Assert.Equal(!NeverConflict.Contains(opcode) || (opcode, serviceAction) == GetLbaStatus, outcome == "ReservationConflict");
        Assert.Equal(ConflictWithAny.Contains(opcode), Bench.Describe(_bench.Run(Cdb(opcode, serviceAction), nexus: holder)) == "ReservationConflict");
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void Naca_is_refused_where_it_stands(byte opcode, byte serviceAction)
    {
        byte[] cdb = Cdb(opcode, serviceAction);
        int control = CommandTable.Find(opcode, serviceAction)!.CdbLength - 1;
        cdb[control] = 0x04;

        Assert.Equal($"5/24/00@{control}.2", _bench.Refusal(cdb));
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void A_cdb_shorter_than_its_command_is_refused(byte opcode, byte serviceAction)
    {
        int length = CommandTable.Find(opcode, serviceAction)!.CdbLength;

        for (int i = 2; i < length; i++)
            Assert.Equal("5/20/00@0", Bench.Describe(_bench.Map.Begin(0, Cdb(opcode, serviceAction).AsSpan(0, i), _bench.Nexus, 0).Outcome!));
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void The_command_is_checked_in_the_same_order_on_a_disk_that_is_not_ready(byte opcode, byte serviceAction)
    {
        _bench.Unit.Availability = UnitAvailability.Offline;
        byte[] opcodesThatWork = [0x03, 0x12, 0x15, 0x16, 0x17, 0x1A, 0x1E, 0x55, 0x56, 0x57, 0x5A, 0x5E, 0x5F, 0x84, 0xA0, 0xA3];

        byte[] cdb = Cdb(opcode, serviceAction);
        if (opcode == 0x1D)
            cdb[1] = 0x04;   // the self-test
        string outcome = Bench.Describe(_bench.Run(cdb));

        if (opcode != 0x1B && !opcodesThatWork.Contains(opcode))
            Assert.Equal("2/04/12", outcome);
        else
            Assert.NotEqual("2/04/12", outcome);
    }
}
