using Qcow2Target.Scsi.Sense;
using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class ReportLunsTests
{
    private readonly Bench _bench = new();

    private static byte[] Cdb(byte select, int allocation) =>
        [0xA0, 0, select, 0, 0, 0, 0, 0, (byte)(allocation >> 8), (byte)allocation, 0, 0];

    [Fact]
    public void The_list_holds_each_lun_once_ascending()
    {
        _bench.Map = _bench.Map.With(300, _bench.Unit).With(7, _bench.Unit);

        Assert.Equal(
            [0, 0, 0, 24, 0, 0, 0, 0, .. new byte[8], 0, 7, 0, 0, 0, 0, 0, 0, 0x41, 0x2C, 0, 0, 0, 0, 0, 0],
            _bench.Data(Cdb(0, 1000)));
    }

    [Fact]
    public void Well_known_units_are_reported_when_asked_for()
    {
        Assert.Equal([0, 0, 0, 8, 0, 0, 0, 0, 0xC1, 1, 0, 0, 0, 0, 0, 0], _bench.Data(Cdb(1, 1000)));
        Assert.Equal([0, 0, 0, 16, 0, 0, 0, 0, .. new byte[8], 0xC1, 1, 0, 0, 0, 0, 0, 0], _bench.Data(Cdb(2, 1000)));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(0x10)]
    [InlineData(0x12)]
    [InlineData(0xFF)]
    public void Another_selection_is_refused(byte select) => Assert.Equal("5/24/00@2", _bench.Refusal(Cdb(select, 1000)));

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    public void Too_small_an_allocation_is_refused(int allocation) => Assert.Equal("5/24/00@6", _bench.Refusal(Cdb(0, allocation)));

    [Fact]
    public void The_list_is_cut_but_its_length_is_told_whole()
    {
        _bench.Map = _bench.Map.With(1, _bench.Unit);

        byte[] data = _bench.Data(Cdb(0, 16));

        Assert.Equal(16, data.Length);
        Assert.Equal(16, data[3]);
    }

    [Fact]
    public void It_is_told_of_changes_by_the_list_itself_on_every_unit()
    {
        _bench.Map = _bench.Map.With(1, new LogicalUnit(new MemoryBlockDevice(), LogicalUnitIdentity.FromSeed("other")));
        _bench.Refusal([0x00], lun: 1UL << 48);
        _bench.Nexus.Raise(UnitAttention.ReportedLunsChanged);

        _bench.Data(Cdb(0, 1000));

        Assert.Equal("Good", _bench.Refusal([0x00]));
        Assert.Equal("Good", _bench.Refusal([0x00], lun: 1UL << 48));
    }

    [Fact]
    public void Other_attentions_are_left()
    {
        _bench.Nexus.Raise(UnitAttention.CapacityChanged);

        _bench.Data(Cdb(0, 1000));

        Assert.Equal("6/2A/09", _bench.Refusal([0x00]));
    }
}
