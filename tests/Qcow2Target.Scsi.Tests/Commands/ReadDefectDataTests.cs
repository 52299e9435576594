using Qcow2Target.Scsi.Tests.Support;

namespace Qcow2Target.Scsi.Tests.Commands;

public sealed class ReadDefectDataTests
{
    private readonly Bench _bench = new();

    [Fact]
    public void The_lists_are_empty_and_in_the_format_that_was_asked_for()
    {
        Assert.Equal([0, 0x1D, 0, 0], _bench.Data([0x37, 0, 0x1D, 0, 0, 0, 0, 0, 255]));
        Assert.Equal([0, 0x0D, 0, 0, 0, 0, 0, 0], _bench.Data([0xB7, 0x0D, 0, 0, 0, 0, 0, 0, 0, 255]));
    }

    [Fact]
    public void The_answer_is_cut_to_the_allocation_length()
    {
        Assert.Equal(2, _bench.Data([0x37, 0, 0x18, 0, 0, 0, 0, 0, 2]).Length);
        Assert.Equal(5, _bench.Data([0xB7, 0x18, 0, 0, 0, 0, 0, 0, 0, 5]).Length);
        Assert.Empty(_bench.Data([0xB7, 0x18]));
    }
}
