namespace Qcow2Target.Control.Tests;

public sealed class ControlLimitsTests
{
    [Fact]
    public void Limits_do_not_contradict_each_other() => ControlLimits.AssertRelations();

    [Fact]
    public void Limits_of_the_contract_are_what_it_says()
    {
        Assert.Equal(1024 * 1024, ControlLimits.MaxLineBytes);
        Assert.Equal(223, ControlLimits.MaxNameBytes);
        Assert.Equal(16383, ControlLimits.MaxLunId);
    }
}
