using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Reservations;

/// <summary>Which commands conflict under which type (SPC-4 table 63): a list of its own, against the column of the command table.</summary>
public sealed class AccessTests
{
    private static readonly (byte Opcode, byte ServiceAction)[] Never =
    [
        (0x00, 0), (0x03, 0), (0x12, 0), (0x25, 0), (0x5E, 0), (0x5E, 1), (0x5E, 2), (0x5E, 3), (0x5F, 0), (0x5F, 1), (0x5F, 2), (0x5F, 3), (0x5F, 4),
        (0x5F, 5), (0x5F, 6), (0x5F, 7), (0x9E, 0x10), (0xA0, 0), (0xA3, 0x0A),
    ];

    private static readonly (byte Opcode, byte ServiceAction)[] Reads =
    [
        (0x08, 0), (0x28, 0), (0xA8, 0), (0x88, 0), (0x2F, 0), (0xAF, 0), (0x8F, 0), (0x34, 0), (0x90, 0), (0x9E, 0x12), (0x37, 0), (0xB7, 0), (0x1A, 0),
        (0x5A, 0), (0xA3, 0x0C), (0xA3, 0x0D), (0x84, 0x00), (0x84, 0x03),
    ];

    private static readonly byte[] Superseded = [0x16, 0x17, 0x56, 0x57];

    private readonly Bench _bench = new();
    private readonly ItNexus _holder;
    private readonly ItNexus _registered;
    private readonly ItNexus _stranger;

    public AccessTests() => (_holder, _registered, _stranger) = (_bench.Nexus, _bench.NewNexus(), _bench.NewNexus());

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Each_command_conflicts_for_whom_the_type_says(byte type)
    {
        _bench.Register(_holder, 0, 1);
        _bench.Register(_registered, 0, 2);
        Assert.Equal("Good", _bench.Reserve(_holder, 1, type));

        foreach (CommandDescriptor command in CommandTable.Commands)
        {
            (byte, byte) id = (command.Opcode, command.ServiceAction ?? 0);
            byte[] cdb = [command.Opcode, command.ServiceAction ?? 0, .. new byte[14]];
            if (command.Opcode == 0x1E)
                cdb[4] = 1;   // preventing removal
            bool Conflicts(ItNexus nexus) => _bench.Begin(cdb, nexus: nexus).Outcome?.Status == ScsiStatus.ReservationConflict;

            bool old = Superseded.Contains(command.Opcode);
            bool read = Reads.Contains(id);
            bool write = !old && !read && !Never.Contains(id);
            bool strangerReads = type is 1 or 5 or 7;
            Assert.Equal((command.Name, old), (command.Name, Conflicts(_holder)));
            Assert.Equal((command.Name, old || write || (read && !strangerReads)), (command.Name, Conflicts(_stranger)));
            Assert.Equal((command.Name, old || (type < 5 && (write || (read && !strangerReads)))), (command.Name, Conflicts(_registered)));
        }
    }

    /// <summary>RESERVE (6) and (10) keep everybody else from all but these (SPC-2 table 9), and persistent reservations wait for its end altogether.</summary>
    [Theory]
    [InlineData(0x16)]
    [InlineData(0x56)]
    public void Each_command_conflicts_with_a_reserve_of_another_nexus(byte reserve)
    {
        byte[] allowed = [0x03, 0x12, 0x17, 0x57, 0x25, 0xA0];
        Assert.Equal("Good", _bench.Refusal([reserve], nexus: _holder));
        foreach (CommandDescriptor command in CommandTable.Commands)
        {
            byte[] cdb = [command.Opcode, command.ServiceAction ?? 0, .. new byte[14]];
            if (command.Opcode == 0x1E)
                cdb[4] = 1;   // preventing removal
            bool persistent = command.Opcode is 0x5E or 0x5F;
            bool reads = allowed.Contains(command.Opcode) || (command.Opcode, command.ServiceAction) == (0x9E, (byte?)0x10);
            ScsiStatus? OutcomeFor(ItNexus nexus) => _bench.Begin(cdb, nexus: nexus).Outcome?.Status;

            Assert.Equal((command.Name, !reads), (command.Name, OutcomeFor(_stranger) == ScsiStatus.ReservationConflict));
            if (command.Opcode is not (0x17 or 0x57))
                Assert.Equal((command.Name, persistent), (command.Name, OutcomeFor(_holder) == ScsiStatus.ReservationConflict));
        }

        Assert.Equal("Good", _bench.Refusal([0x17], nexus: _stranger));   // nothing happens
        Assert.Equal("ReservationConflict", _bench.Refusal([0x00], nexus: _stranger));
        Assert.Equal("Good", _bench.Refusal([0x57], nexus: _holder));
        Assert.Equal("Good", _bench.Refusal([0x00], nexus: _stranger));
    }

    /// <summary>Whoever is registered: without a reservation nothing conflicts but RESERVE and RELEASE.</summary>
    [Fact]
    public void Registrations_alone_keep_nobody_out()
    {
        _bench.Register(_registered, 0, 2);
        foreach (CommandDescriptor command in CommandTable.Commands)
        {
            byte[] cdb = [command.Opcode, command.ServiceAction ?? 0, .. new byte[14]];
            foreach (ItNexus nexus in new[] { _registered, _stranger })
            {
                bool conflicts = _bench.Begin(cdb, nexus: nexus).Outcome?.Status == ScsiStatus.ReservationConflict;
                Assert.Equal((command.Name, Superseded.Contains(command.Opcode)), (command.Name, conflicts));
            }
        }
    }

    [Fact]
    public void Starting_the_unit_and_allowing_removal_never_conflict()
    {
        _bench.Register(_holder, 0, 1);
        _bench.Reserve(_holder, 1, 3);

        Assert.Equal("Good", _bench.Refusal([0x1B, 0, 0, 0, 1, 0], nexus: _stranger));
        Assert.Equal("ReservationConflict", _bench.Refusal([0x1B, 0, 0, 0, 0, 0], nexus: _stranger));
        Assert.Equal("ReservationConflict", _bench.Refusal([0x1B, 0, 0, 0, 0x11, 0], nexus: _stranger));
        Assert.Equal("Good", _bench.Refusal([0x1E, 0, 0, 0, 0, 0], nexus: _stranger));
        Assert.Equal("ReservationConflict", _bench.Refusal([0x1E, 0, 0, 0, 1, 0], nexus: _stranger));
    }

    [Fact]
    public void A_command_under_a_reservation_allocates_nothing()
    {
        _bench.Register(_holder, 0, 1);
        _bench.Reserve(_holder, 1, 6);
        byte[] cdb = new byte[16];
        TestCdb.Ten(0x28, 0, 8).CopyTo(cdb, 0);
        _bench.Map.Begin(0, cdb, _holder, 0);

        Assert.Equal(0, Allocation.Of(() => _bench.Map.Begin(0, cdb, _holder, 0)));
    }
}
