using Qcow2Target.Qcow2.Image;

namespace Qcow2Target.Qcow2.Tests.Image;

public sealed class ReaderEpochTests
{
    [Fact]
    public void It_moves_on_freely_when_nobody_is_inside()
    {
        var epoch = new ReaderEpoch();
        for (var i = 0; i < 10; i++) Assert.True(epoch.TryAdvance());
    }

    [Fact]
    public void Who_is_inside_holds_it_up_after_one_step_until_it_leaves()
    {
        var epoch = new ReaderEpoch();
        var inside = epoch.Enter();
        var start = epoch.Phase;
        while (epoch.Phase < start + ReaderEpoch.GraceSteps && epoch.TryAdvance())
        {
        }
        Assert.True(epoch.Phase < start + ReaderEpoch.GraceSteps);
        var late = epoch.Enter();
        epoch.Exit(inside);
        // A newcomer does not hold up those who wait for the old ones.
        while (epoch.Phase < start + ReaderEpoch.GraceSteps) Assert.True(epoch.TryAdvance());
        epoch.Exit(late);
    }
}
