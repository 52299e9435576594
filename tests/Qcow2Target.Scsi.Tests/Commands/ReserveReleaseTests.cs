using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class ReserveReleaseTests
{
    private readonly Bench _bench = new();
    private readonly ItNexus _other;

    public ReserveReleaseTests() => _other = _bench.NewNexus();

    [Theory]
    [InlineData(0x16, 0x17)]
    [InlineData(0x56, 0x57)]
    [InlineData(0x16, 0x57)]
    public void A_holder_keeps_others_out_until_it_releases(byte reserve, byte release)
    {
        Assert.Equal("Good", _bench.Refusal([reserve]));
        Assert.Equal("Good", _bench.Refusal([reserve]));
        Assert.Equal("ReservationConflict", _bench.Refusal([reserve], nexus: _other));
        Assert.Equal("ReservationConflict", _bench.Refusal([0x00], nexus: _other));
        Assert.Equal("ReservationConflict", _bench.Refusal([0x1A, 0, 0x3F, 0, 255], nexus: _other));
        Assert.Equal("Good", _bench.Refusal([0x00]));

        Assert.Equal("Good", _bench.Refusal([release], nexus: _other));
        Assert.Equal("ReservationConflict", _bench.Refusal([0x00], nexus: _other));
        Assert.Equal("Good", _bench.Refusal([release]));
        Assert.Equal("Good", _bench.Refusal([0x00], nexus: _other));
    }

    [Theory]
    [InlineData(0x16)]
    [InlineData(0x17)]
    [InlineData(0x56)]
    [InlineData(0x57)]
    public void Third_parties_and_extents_are_refused(byte opcode)
    {
        Assert.Equal("5/24/00@1.4", _bench.Refusal([opcode, 0x10]));
        Assert.Equal("5/24/00@1.0", _bench.Refusal([opcode, 0x01]));
    }
}
