using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests;

public sealed class LunMapTests
{
    private static LogicalUnit NewUnit() => new(new MemoryBlockDevice(), LogicalUnitIdentity.FromSeed("unit"));

    [Fact]
    public void A_map_does_not_change_when_a_new_one_is_made_of_it()
    {
        LogicalUnit first = NewUnit();
        LogicalUnit second = NewUnit();
        LunMap one = LunMap.Empty.With(3, first);
        LunMap two = one.With(300, second);

        Assert.Equal([3], one.Luns);
        Assert.Equal([3, 300], two.Luns);
        Assert.Same(second, two[300]);
        Assert.Null(one[300]);
        Assert.Null(two[0]);
        Assert.Null(two[-1]);
        Assert.Equal([300], two.Without(3).Luns);
        Assert.Same(one, one.Without(7));
        Assert.Same(second, one.With(3, second)[3]);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(16384)]
    public void A_number_that_no_lun_field_can_hold_is_refused(int lun) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => LunMap.Empty.With(lun, NewUnit()));

    [Fact]
    public void A_command_reaches_the_unit_by_either_method()
    {
        var bench = new Bench();
        bench.Map = bench.Map.With(1, bench.Unit);

        Assert.Same(bench.Unit, bench.Begin([0x00], lun: 0x0001_0000_0000_0000).Unit);
        Assert.Same(bench.Unit, bench.Begin([0x00], lun: 0x4001_0000_0000_0000).Unit);
        Assert.Null(bench.Begin([0x00], lun: 0x0002_0000_0000_0000).Unit);
    }
}
