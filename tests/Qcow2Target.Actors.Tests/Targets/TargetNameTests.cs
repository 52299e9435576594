using Qcow2Target.Actors.Targets;

namespace Qcow2Target.Actors.Tests.Targets;

public sealed class TargetNameTests
{
    [Fact]
    public void Names_are_equal_without_regard_to_case_and_shown_as_given()
    {
        var one = new TargetName("iqn.2018-05.Test:A");
        var two = new TargetName("IQN.2018-05.test:a");
        Assert.Equal(one, two);
        Assert.Equal(one.GetHashCode(), two.GetHashCode());
        Assert.Equal("iqn.2018-05.Test:A", one.Shown);
        Assert.NotEqual(one, new TargetName("iqn.2018-05.test:b"));
    }
}
