using Qcow2Target.Scsi.Sense;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class RequestSenseTests
{
    private readonly Bench _bench = new();

    [Fact]
    public void Nothing_amiss_is_no_sense()
    {
        byte[] sense = _bench.Data([0x03, 0, 0, 0, 255]);

        Assert.Equal([0x70, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], sense);
    }

    [Fact]
    public void A_unit_attention_is_taken_by_it()
    {
        ItNexus fresh = Bench.FreshNexus();

        byte[] sense = _bench.Data([0x03, 0, 0, 0, 18], nexus: fresh);

        Assert.Equal((6, 0x29, 0x00), (sense[2], sense[12], sense[13]));
        Assert.Equal("Good", _bench.Refusal([0x00], nexus: fresh));
    }

    [Fact]
    public void The_cdb_chooses_the_format()
    {
        _bench.Nexus.Raise(UnitAttention.CapacityChanged);

        Assert.Equal([0x72, 6, 0x2A, 0x09, 0, 0, 0, 0], _bench.Data([0x03, 1, 0, 0, 255]));
    }

    [Fact]
    public void A_unit_that_is_not_ready_says_so()
    {
        _bench.Unit.Availability = UnitAvailability.BecomingReady;

        Assert.Equal([0x72, 2, 0x04, 0x01, 0, 0, 0, 0], _bench.Data([0x03, 1, 0, 0, 255]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(18)]
    public void Data_is_cut_to_the_allocation_length(byte allocation) => Assert.Equal(allocation, _bench.Data([0x03, 0, 0, 0, allocation]).Length);
}
