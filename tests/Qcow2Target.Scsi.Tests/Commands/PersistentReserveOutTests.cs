using Qcow2Target.Scsi.Reservations;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class PersistentReserveOutTests
{
    private const byte Register = 0;
    private const byte Reserve = 1;
    private const byte Release = 2;
    private const byte Clear = 3;
    private const byte Preempt = 4;
    private const byte PreemptAndAbort = 5;
    private const byte RegisterAndIgnore = 6;
    private const byte RegisterAndMove = 7;
    private const string Conflict = "ReservationConflict";
    private static readonly byte[] TestUnitReady = [0x00];

    private readonly RecordingHost _host = new();
    private readonly Bench _bench;
    private readonly ItNexus _a;
    private readonly ItNexus _b;
    private readonly ItNexus _c;

    public PersistentReserveOutTests()
    {
        _bench = new Bench(settings: new LogicalUnitSettings { Host = _host });
        (_a, _b, _c) = (_bench.Nexus, _bench.NewNexus(), _bench.NewNexus());
    }

    private void RegisterAll()
    {
        Assert.Equal("Good", _bench.Register(_a, 0, 0xA));
        Assert.Equal("Good", _bench.Register(_b, 0, 0xB));
        Assert.Equal("Good", _bench.Register(_c, 0, 0xC));
    }

    private string Attention(ItNexus nexus) => Bench.Describe(_bench.Run(TestUnitReady, nexus: nexus));

    [Fact]
    public void A_registration_is_changed_and_ended_by_who_knows_its_key()
    {
        Assert.Equal(Conflict, _bench.Register(_a, 1, 0xA));
        Assert.Equal("Good", _bench.Register(_a, 0, 0xA));
        Assert.Equal(Conflict, _bench.Register(_a, 0, 0xAA));
        Assert.Equal("Good", _bench.Register(_a, 0xA, 0xAA));
        Assert.Equal("2: AA", _bench.ReadKeys());
        Assert.Equal(Conflict, _bench.Register(_a, 0xA, 0));
        Assert.Equal("Good", _bench.Register(_a, 0xAA, 0));
        Assert.Equal("3: ", _bench.ReadKeys());
    }

    [Fact]
    public void Register_and_ignore_asks_for_no_key()
    {
        Assert.Equal("Good", _bench.Out(_a, RegisterAndIgnore, 99, 0));
        Assert.Equal("Good", _bench.Out(_a, RegisterAndIgnore, 99, 0xA));
        Assert.Equal("Good", _bench.Out(_a, RegisterAndIgnore, 98, 0xAA));
        Assert.EndsWith(": AA", _bench.ReadKeys(), StringComparison.Ordinal);
        Assert.Equal("Good", _bench.Out(_a, RegisterAndIgnore, 97, 0));
        Assert.EndsWith(": ", _bench.ReadKeys(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(6)]
    public void One_holds_the_reservation_and_may_take_it_again(byte type)
    {
        RegisterAll();
        Assert.Equal(Conflict, _bench.Reserve(_a, 1, type));
        Assert.Equal("Good", _bench.Reserve(_a, 0xA, type));
        Assert.Equal("Good", _bench.Reserve(_a, 0xA, type));
        Assert.Equal(Conflict, _bench.Reserve(_a, 0xA, (byte)(type == 1 ? 3 : 1)));
        Assert.Equal(Conflict, _bench.Reserve(_b, 0xB, type));
        Assert.Equal((0xAUL, type), _bench.ReadReservation());
        Assert.Equal("Good", _bench.Out(_b, Release, 0xB, type: type));
        Assert.Equal((0xAUL, type), _bench.ReadReservation());
        Assert.Equal("5/26/04", _bench.Out(_a, Release, 0xA, type: (byte)(type + 1)));
        Assert.Equal(Conflict, _bench.Out(_a, Release, 0xB, type: type));
        Assert.Equal("Good", _bench.Out(_a, Release, 0xA, type: type));
        Assert.Null(_bench.ReadReservation());
        Assert.StartsWith("3:", _bench.ReadKeys(), StringComparison.Ordinal);
        Assert.Equal(type >= 5 ? "6/2A/04" : "Good", Attention(_b));
        Assert.Equal("Good", Attention(_a));
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public void All_registrants_hold_it_until_the_last_is_gone(byte type)
    {
        RegisterAll();
        Assert.Equal("Good", _bench.Reserve(_a, 0xA, type));
        Assert.Equal((0UL, type), _bench.ReadReservation());
        Assert.Equal("Good", _bench.Reserve(_b, 0xB, type));
        Assert.Equal("Good", _bench.Register(_a, 0xA, 0));
        Assert.Equal("Good", _bench.Register(_b, 0xB, 0));
        Assert.Equal((0UL, type), _bench.ReadReservation());
        Assert.Equal("Good", Attention(_c));
        Assert.Equal("Good", _bench.Register(_c, 0xC, 0));
        Assert.Null(_bench.ReadReservation());
    }

    [Theory]
    [InlineData(1, "Good")]
    [InlineData(3, "Good")]
    [InlineData(5, "6/2A/04")]
    [InlineData(6, "6/2A/04")]
    public void The_reservation_ends_with_its_holders_registration(byte type, string attention)
    {
        RegisterAll();
        _bench.Reserve(_a, 0xA, type);
        Assert.Equal("Good", _bench.Register(_a, 0xA, 0));
        Assert.Null(_bench.ReadReservation());
        Assert.Equal(attention, Attention(_b));
        Assert.Equal("Good", Attention(_a));
    }

    [Fact]
    public void Clear_ends_everything_and_tells_the_others()
    {
        RegisterAll();
        _bench.Reserve(_b, 0xB, 3);
        Assert.Equal(Conflict, _bench.Out(_a, Clear, 0xB));
        Assert.Equal("Good", _bench.Out(_a, Clear, 0xA));
        Assert.Equal("4: ", _bench.ReadKeys());
        Assert.Null(_bench.ReadReservation());
        Assert.Equal(("Good", "6/2A/03", "6/2A/03"), (Attention(_a), Attention(_b), Attention(_c)));
    }

    [Theory]
    [InlineData(Preempt)]
    [InlineData(PreemptAndAbort)]
    public void Preempting_the_holder_takes_its_reservation_with_a_new_type(byte serviceAction)
    {
        RegisterAll();
        _bench.Reserve(_b, 0xB, 5);
        Assert.Equal(Conflict, _bench.Out(_a, serviceAction, 0xB, 0xB, type: 6));
        Assert.Equal(Conflict, _bench.Out(_a, serviceAction, 0xA, 0xD, type: 6));
        Assert.Equal("5/26/00@P8", _bench.Out(_a, serviceAction, 0xA, 0, type: 6));
        Assert.Equal("Good", _bench.Out(_a, serviceAction, 0xA, 0xB, type: 6));
        Assert.Equal("4: A C", _bench.ReadKeys());
        Assert.Equal((0xAUL, (byte)6), _bench.ReadReservation());
        Assert.Equal(("Good", "6/2A/05", "6/2A/04"), (Attention(_a), Attention(_b), Attention(_c)));
        Assert.Equal(serviceAction == PreemptAndAbort ? [_b.Initiator] : [], _host.Aborted);
    }

    [Fact]
    public void Preempting_one_who_does_not_hold_takes_its_registration_only()
    {
        RegisterAll();
        _bench.Reserve(_b, 0xB, 5);
        Assert.Equal("Good", _bench.Out(_a, Preempt, 0xA, 0xC, type: 6));
        Assert.EndsWith(": A B", _bench.ReadKeys(), StringComparison.Ordinal);
        Assert.Equal((0xBUL, (byte)5), _bench.ReadReservation());
        Assert.Equal(("Good", "Good", "6/2A/05"), (Attention(_a), Attention(_b), Attention(_c)));
    }

    [Fact]
    public void Without_a_reservation_a_preemption_makes_none()
    {
        RegisterAll();
        Assert.Equal("Good", _bench.Out(_a, Preempt, 0xA, 0xB, type: 1));
        Assert.Null(_bench.ReadReservation());
        Assert.EndsWith(": A C", _bench.ReadKeys(), StringComparison.Ordinal);
    }

    [Fact]
    public void Under_all_registrants_key_0_preempts_everybody_else()
    {
        RegisterAll();
        _bench.Reserve(_b, 0xB, 7);
        Assert.Equal("Good", _bench.Out(_a, Preempt, 0xA, 0xC, type: 1));   // one of many holders: the reservation stays
        Assert.Equal((0UL, (byte)7), _bench.ReadReservation());
        Assert.Equal("Good", _bench.Out(_a, Preempt, 0xA, 0, type: 1));
        Assert.EndsWith(": A", _bench.ReadKeys(), StringComparison.Ordinal);
        Assert.Equal((0xAUL, (byte)1), _bench.ReadReservation());
        Assert.Equal(("Good", "6/2A/05", "6/2A/05"), (Attention(_a), Attention(_b), Attention(_c)));
    }

    [Fact]
    public void The_holder_changes_the_type_by_preempting_itself()
    {
        RegisterAll();
        _bench.Reserve(_a, 0xA, 1);
        Assert.Equal("Good", _bench.Out(_a, Preempt, 0xA, 0xA, type: 3));
        Assert.EndsWith(": A B C", _bench.ReadKeys(), StringComparison.Ordinal);
        Assert.Equal((0xAUL, (byte)3), _bench.ReadReservation());
        Assert.Equal(("Good", "6/2A/04"), (Attention(_a), Attention(_b)));
    }

    [Fact]
    public void Register_and_move_gives_the_reservation_to_another_port()
    {
        _bench.Register(_a, 0, 0xA);
        _bench.Reserve(_a, 0xA, 1);
        byte[] id = TransportId.Encode(_b.Initiator);
        byte[] list = [.. ReserveOut.List(0xA, 0xB)[..16], 0, 0x02, 0, 1, 0, 0, 0, (byte)id.Length, .. id];
        string Move(byte[] data) => _bench.Refusal(ReserveOut.Cdb(RegisterAndMove, 0, data.Length), data);

        Assert.Equal("5/26/00@P18", Move([.. list[..19], 2, .. list[20..]]));
        Assert.Equal("5/1A/00", Move(list[..^4]));
        Assert.Equal("5/26/00@P8", Move([.. list[..8], .. new byte[8], .. list[16..]]));
        Assert.Equal("5/26/00@P24", Move([.. list[..24], 0x46, .. list[25..]]));
        Assert.Equal(Conflict, Move([.. new byte[8], .. list[8..]]));
        Assert.Equal("Good", Move(list));

        Assert.EndsWith(": B", _bench.ReadKeys(), StringComparison.Ordinal);
        Assert.Equal((0xBUL, (byte)1), _bench.ReadReservation());
        Assert.Equal("Good", _bench.Out(_b, Release, 0xB, type: 1));
    }

    [Fact]
    public void Spec_i_pt_registers_the_ports_it_names_too_all_or_none()
    {
        byte[] ids = [.. TransportId.Encode(_b.Initiator), .. TransportId.Encode(_c.Initiator)];
        byte[] List(byte[] ids, ulong key = 0) => [.. ReserveOut.List(key, 0xA, ReserveOut.SpecifyInitiators), 0, 0, 0, (byte)ids.Length, .. ids];
        string Send(byte[] list, byte serviceAction = Register) => _bench.Refusal(ReserveOut.Cdb(serviceAction, 0, list.Length), list);

        Assert.Equal("5/1A/00", Send([.. List(ids)[..27], 0xFF, .. ids]));
        Assert.Equal($"5/26/00@P{28 + (ids.Length / 2)}", Send(List([.. ids[..(ids.Length / 2)], 0x44, .. ids[((ids.Length / 2) + 1)..]])));
        Assert.EndsWith(": ", _bench.ReadKeys(), StringComparison.Ordinal);
        Assert.Equal("5/26/00@P20.3", _bench.Out(_a, RegisterAndIgnore, 0, 0xA, flags: ReserveOut.SpecifyInitiators));
        Assert.Equal("5/1A/00", Send([.. ReserveOut.List(0, 0xA), .. new byte[4]]));

        Assert.Equal("Good", Send(List(ids)));

        Assert.Equal("1: A A A", _bench.ReadKeys());
        Assert.Equal("Good", _bench.Reserve(_c, 0xA, 1));
        Assert.Equal("5/26/00@P20.3", Send(List(ids, key: 0xA)));
    }

    [Fact]
    public void Spec_i_pt_with_a_device_name_means_its_known_ports()
    {
        byte[] name = [.. "iqn.2018-05.test:initiator"u8, 0, 0];
        byte[] id = [0x05, 0, 0, (byte)name.Length, .. name];
        byte[] list = [.. ReserveOut.List(0, 0xA, ReserveOut.SpecifyInitiators), 0, 0, 0, (byte)id.Length, .. id];

        // The issuer is among them, and is registered already by the command itself.
        Assert.Equal("5/26/00@P24", _bench.Refusal(ReserveOut.Cdb(Register, 0, list.Length), list));
    }

    [Fact]
    public void What_survives_a_loss_of_power_is_saved_before_the_status()
    {
        Assert.Equal("Good", _bench.Register(_a, 0, 0xA));
        Assert.Empty(_host.Saved);
        Assert.Equal("Good", _bench.Register(_b, 0, 0xB, ReserveOut.SurvivePowerLoss | ReserveOut.AllTargetPorts));
        Assert.Equal(2, _host.Saved[^1].Registrations.Length);
        Assert.Equal("Good", _bench.Reserve(_b, 0xB, 3));
        Assert.Equal(ReservationType.ExclusiveAccess, _host.Saved[^1].Type);

        _host.FailsToSave = true;
        Assert.Equal("4/44/00", _bench.Out(_b, Release, 0xB, type: 3));
        Assert.Equal((0xBUL, (byte)3), _bench.ReadReservation());

        _host.FailsToSave = false;
        Assert.Equal("Good", _bench.Register(_a, 0xA, 0xA));   // APTPL 0: nothing is kept any more
        Assert.Same(PersistentReservations.None, _host.Saved[^1]);
    }

    [Fact]
    public void What_was_kept_is_in_force_after_power_on()
    {
        _bench.Register(_a, 0, 0xA, ReserveOut.SurvivePowerLoss);
        _bench.Reserve(_a, 0xA, 3);
        var after = new Bench(settings: new LogicalUnitSettings { Host = _host, Reservations = _host.Saved[^1] with { Generation = 0 } });
        var back = new ItNexus(Bench.Port, new InitiatorPort(_a.Initiator.Name.ToUpperInvariant(), _a.Initiator.SessionId), Scsi.Sense.UnitAttention.PowerOn);
        after.Begin(TestUnitReady, nexus: back);

        Assert.Equal("0: A", after.ReadKeys());
        Assert.Equal("ReservationConflict", after.Refusal(TestCdb.Ten(0x28, 0, 1)));
        Assert.Equal("Good", Bench.Describe(after.Run(TestCdb.Ten(0x28, 0, 1), nexus: back)));
    }

    [Fact]
    public void Where_nothing_can_be_kept_aptpl_is_refused()
    {
        var bench = new Bench();
        Assert.Equal("5/26/00@P20.0", bench.Register(bench.Nexus, 0, 1, ReserveOut.SurvivePowerLoss));
        Assert.Equal("5/26/00@P20.0", bench.Out(bench.Nexus, RegisterAndIgnore, 0, 1, flags: ReserveOut.SurvivePowerLoss));
        Assert.Equal(0x0C, bench.Data([0x5E, 2, 0, 0, 0, 0, 0, 0, 8])[2]);
    }

    [Fact]
    public void Cdbs_are_refused_by_their_field()
    {
        Assert.Equal("5/24/00@1.4", _bench.Refusal(ReserveOut.Cdb(8, 0, 24), new byte[24]));
        Assert.Equal("5/1A/00", _bench.Refusal(ReserveOut.Cdb(Register, 0, 23), new byte[23]));
        Assert.Equal("5/1A/00", _bench.Refusal(ReserveOut.Cdb(Clear, 0, 25), new byte[25]));
        Assert.Equal("5/1A/00", _bench.Refusal(ReserveOut.Cdb(Register, 0, 24), new byte[20]));
        foreach (byte type in new byte[] { 0, 2, 4, 9, 0x11 })
        {
            Assert.Equal("5/24/00@2", _bench.Refusal(ReserveOut.Cdb(Reserve, type, 24), new byte[24]));
        }
    }

    [Fact]
    public void There_is_room_for_so_many_registrations()
    {
        for (int i = 0; i < ScsiLimits.MaxRegistrations; i++)
            Assert.Equal("Good", _bench.Register(_bench.NewNexus(), 0, 1));
        Assert.Equal("5/55/04", _bench.Register(_a, 0, 1));
        Assert.StartsWith($"{ScsiLimits.MaxRegistrations}:", _bench.ReadKeys(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_registration_outlives_its_session_and_a_reset()
    {
        _bench.Register(_a, 0, 0xA);
        _bench.Reserve(_a, 0xA, 1);
        _a.Close();
        _bench.Unit.Reset(Scsi.Sense.UnitAttention.DeviceReset);
        Assert.Equal("6/29/03", Attention(_b));
        Assert.Equal(Conflict, _bench.Refusal(TestCdb.Ten(0x2A, 0, 1), new byte[512], nexus: _b));
    }

    [Fact]
    public void Reserve_and_persistent_reservations_exclude_each_other()
    {
        Assert.Equal("Good", _bench.Refusal([0x16]));
        Assert.Equal(Conflict, _bench.Register(_a, 0, 1));
        Assert.Equal(Conflict, _bench.Refusal([0x5E, 0, 0, 0, 0, 0, 0, 0, 8]));
        Assert.Equal("Good", _bench.Refusal([0x17]));

        Assert.Equal("Good", _bench.Register(_a, 0, 1));
        foreach (byte opcode in new byte[] { 0x16, 0x17, 0x56, 0x57 })
            Assert.Equal(Conflict, _bench.Refusal([opcode]));
    }
}
