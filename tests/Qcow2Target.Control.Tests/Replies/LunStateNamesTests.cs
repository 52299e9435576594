using Qcow2Target.Control.Replies;

namespace Qcow2Target.Control.Tests.Replies;

public sealed class LunStateNamesTests
{
    [Fact]
    public void Words_on_the_wire_never_change() => Assert.Equal(
        ["ready", "opening", "faulted", "recovering", "degraded", "write-protected", "detaching"],
        Enum.GetValues<LunState>().Select(LunStateNames.Of));

    [Fact]
    public void Every_state_is_found_by_its_word()
    {
        Assert.All(Enum.GetValues<LunState>(), state => Assert.Equal(state, LunStateNames.Find(LunStateNames.Of(state))));
        Assert.Null(LunStateNames.Find("Ready"));
    }
}
