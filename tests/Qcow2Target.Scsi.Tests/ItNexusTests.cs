using Qcow2Target.Scsi.Sense;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests;

public sealed class ItNexusTests
{
    private static readonly byte[] TestUnitReady = [0x00];
    private readonly Bench _bench = new();

    [Fact]
    public void The_first_command_to_each_unit_is_told_of_the_power_on()
    {
        ItNexus nexus = Bench.FreshNexus();
        _bench.Map = _bench.Map.With(1, new LogicalUnit(new MemoryBlockDevice(), LogicalUnitIdentity.FromSeed("other")));

        Assert.Equal("6/29/00", _bench.Refusal(TestUnitReady, nexus: nexus));
        Assert.Equal("Good", _bench.Refusal(TestUnitReady, nexus: nexus));
        Assert.Equal("6/29/00", _bench.Refusal(TestUnitReady, lun: 1UL << 48, nexus: nexus));
        Assert.Equal("Good", _bench.Refusal(TestUnitReady, lun: 1UL << 48, nexus: nexus));
    }

    [Fact]
    public void A_nexus_that_comes_back_is_told_so()
    {
        var nexus = new ItNexus(Bench.Port, Bench.FreshInitiator(), UnitAttention.NexusLoss);

        Assert.Equal("6/29/07", _bench.Refusal(TestUnitReady, nexus: nexus));
        Assert.Equal("Good", _bench.Refusal(TestUnitReady, nexus: nexus));
    }

    [Fact]
    public void What_is_raised_is_told_on_every_unit_it_has_used()
    {
        _bench.Nexus.Raise(UnitAttention.ReportedLunsChanged);

        Assert.Equal("6/3F/0E", _bench.Refusal(TestUnitReady));
        Assert.Equal("Good", _bench.Refusal(TestUnitReady));
    }

    [Fact]
    public void One_unit_can_be_told_of_before_its_first_use()
    {
        var nexus = new ItNexus(Bench.Port, Bench.FreshInitiator(), UnitAttention.NexusLoss);

        nexus.Raise(_bench.Unit, UnitAttention.InquiryDataChanged);

        Assert.Equal("6/29/07", _bench.Refusal(TestUnitReady, nexus: nexus));
        Assert.Equal("6/3F/03", _bench.Refusal(TestUnitReady, nexus: nexus));
    }

    [Fact]
    public void A_closed_nexus_gives_back_its_reservation()
    {
        ItNexus other = _bench.NewNexus();
        Assert.Equal("Good", _bench.Refusal([0x16]));
        Assert.Equal("ReservationConflict", _bench.Refusal(TestUnitReady, nexus: other));

        _bench.Nexus.Close();
        _bench.Nexus.Close();

        Assert.Equal("Good", _bench.Refusal(TestUnitReady, nexus: other));
    }

    [Fact]
    public void A_command_of_a_closed_nexus_leaves_nothing_behind()
    {
        ItNexus other = _bench.NewNexus();
        _bench.Nexus.Close();

        Assert.Equal("6/29/00", _bench.Refusal([0x16]));
        Assert.Equal("Good", _bench.Refusal([0x16]));

        Assert.Equal("Good", _bench.Refusal(TestUnitReady, nexus: other));
    }

    [Fact]
    public void A_unit_that_has_gone_is_not_taken_up_again()
    {
        ItNexus nexus = Bench.FreshNexus();
        _bench.Unit.Retire();
        ItlNexus late = nexus.With(_bench.Unit);
        Assert.True(late.Attentions.TryTake(out _));

        nexus.Raise(UnitAttention.ReportedLunsChanged);

        Assert.False(late.Attentions.Any);
    }
}
