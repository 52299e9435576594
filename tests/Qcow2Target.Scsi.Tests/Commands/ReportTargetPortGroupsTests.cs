using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class ReportTargetPortGroupsTests
{
    private readonly Bench _bench = new();

    private static byte[] Cdb(byte format, byte allocation) => [0xA3, (byte)(format | 0x0A), 0, 0, 0, 0, 0, 0, 0, allocation];

    [Fact]
    public void There_is_one_group_active_and_optimized_with_the_one_port()
    {
        byte[] group = [0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
        Assert.Equal([0, 0, 0, 12, .. group], _bench.Data(Cdb(0, 255)));
        Assert.Equal([0, 0, 0, 16, 0x10, 0, 0, 0, .. group], _bench.Data(Cdb(0x20, 255)));
        Assert.Equal("5/24/00@1.7", _bench.Refusal(Cdb(0x40, 255)));
    }

    [Fact]
    public void The_length_is_whole_where_the_answer_is_cut()
    {
        for (byte allocation = 0; allocation < 16; allocation++)
            Assert.Equal(allocation, _bench.Data(Cdb(0, allocation)).Length);
        Assert.Equal([0, 0, 0, 12], _bench.Data(Cdb(0, 4)));
    }
}
