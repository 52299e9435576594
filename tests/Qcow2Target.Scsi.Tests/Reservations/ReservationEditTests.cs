using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Reservations;

/// <summary>The corners of PERSISTENT RESERVE OUT that the model of <see cref="ReservationModelTests"/> does not name.</summary>
public sealed class ReservationEditTests
{
    private const byte Release = 2;
    private const byte Clear = 3;
    private const byte Preempt = 4;
    private const byte PreemptAndAbort = 5;
    private const byte RegisterAndIgnore = 6;
    private const string Conflict = "ReservationConflict";

    private readonly RecordingHost _host = new();
    private readonly Bench _bench;
    private readonly ItNexus _a;
    private readonly ItNexus _b;

    public ReservationEditTests()
    {
        _bench = new Bench(settings: new LogicalUnitSettings { Host = _host });
        (_a, _b) = (_bench.Nexus, _bench.NewNexus());
    }

    [Fact]
    public void Who_is_not_registered_and_asks_for_no_key_changes_nothing()
    {
        Assert.Equal("Good", _bench.Register(_b, 0, 0xB, ReserveOut.SurvivePowerLoss));

        Assert.Equal("Good", _bench.Register(_a, 0, 0));
        Assert.Equal("Good", _bench.Out(_a, RegisterAndIgnore, 5, 0));

        Assert.Equal("1: B", _bench.ReadKeys());
        Assert.True(_bench.Unit.Reservations.Current.SurvivesPowerLoss);
        Assert.All(_host.Saved, state => Assert.Equal((true, 1), (state.SurvivesPowerLoss, state.Registrations.Length)));
    }

    [Theory]
    [InlineData(Preempt)]
    [InlineData(PreemptAndAbort)]
    public void Taking_registrations_away_takes_the_own_one_with_that_key(byte serviceAction)
    {
        _bench.Register(_a, 0, 0xA);
        _bench.Register(_b, 0, 0xA);
        ItNexus holder = _bench.NewNexus();
        _bench.Register(holder, 0, 0xC);
        _bench.Reserve(holder, 0xC, 5);

        Assert.Equal("Good", _bench.Out(_a, serviceAction, 0xA, 0xA, type: 5));

        Assert.Equal("4: C", _bench.ReadKeys());
        Assert.Equal((0xCUL, (byte)5), _bench.ReadReservation());
        Assert.Equal("Good", _bench.Refusal([0x00], nexus: _a));
        Assert.Equal("6/2A/05", _bench.Refusal([0x00], nexus: _b));
        Assert.Equal(serviceAction == PreemptAndAbort ? [_b.Initiator] : [], _host.Aborted);
    }

    [Fact]
    public void The_last_registrant_that_takes_its_own_registration_away_ends_the_reservation_of_all()
    {
        _bench.Register(_a, 0, 0xA);
        _bench.Reserve(_a, 0xA, 8);
        Assert.Equal("Good", _bench.Out(_a, Preempt, 0xA, 0xA, type: 8));
        Assert.Equal("2: ", _bench.ReadKeys());
        Assert.Null(_bench.ReadReservation());
    }

    [Fact]
    public void The_type_counts_only_where_the_reservation_is_taken()
    {
        _bench.Register(_a, 0, 0xA);
        _bench.Register(_b, 0, 0xB);
        ItNexus third = _bench.NewNexus();
        _bench.Register(third, 0, 0xC);
        _bench.Reserve(_b, 0xB, 1);

        foreach (byte type in new byte[] { 0, 2, 4, 9, 0x11 })
            Assert.Equal("5/24/00@2", _bench.Out(_a, Preempt, 0xA, 0xB, type: type));
        Assert.Equal("3: A B C", _bench.ReadKeys());
        Assert.Equal("Good", _bench.Out(_a, Preempt, 0xA, 0xC, type: 0));
        Assert.Equal("4: A B", _bench.ReadKeys());
        Assert.Equal((0xBUL, (byte)1), _bench.ReadReservation());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(Release)]
    [InlineData(Clear)]
    [InlineData(Preempt)]
    [InlineData(PreemptAndAbort)]
    [InlineData(RegisterAndIgnore)]
    public void Only_register_may_name_initiators(byte serviceAction)
    {
        _bench.Register(_a, 0, 0xA);
        Assert.Equal("5/26/00@P20.3", _bench.Out(_a, serviceAction, 0xA, 0xA, type: 1, flags: ReserveOut.SpecifyInitiators));
        Assert.Equal("1: A", _bench.ReadKeys());
    }

    [Fact]
    public void A_wrong_key_conflicts_whatever_else_is_wrong()
    {
        _bench.Register(_a, 0, 0xA);
        Assert.Equal(Conflict, _bench.Out(_a, Preempt, 0xB, 0, type: 0));
        Assert.Equal(Conflict, _bench.Out(_b, Preempt, 0, 0, type: 1));
        Assert.Equal(Conflict, _bench.Out(_b, Clear, 0));
        Assert.Equal(Conflict, _bench.Out(_b, Release, 0, type: 0x55));
    }
}
