using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Portals;
using Qcow2Target.Testing;

namespace Qcow2Target.Actors.Tests.Portals;

public sealed class LoginPaceTests
{
    private readonly ManualTime _time = new();
    private readonly LoginPace _pace;

    public LoginPaceTests() => _pace = new LoginPace(_time);

    [Fact]
    public void A_farm_comes_at_once_and_then_so_many_a_second()
    {
        Assert.Equal(PeerLimits.LoginsAtOnce, TakeAll());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(TakeAll(), PeerLimits.LoginsPerSecond, PeerLimits.LoginsPerSecond + 1);
    }

    [Fact]
    public void What_comes_slower_than_the_pace_never_waits()
    {
        for (var i = 0; i < 3 * PeerLimits.LoginsAtOnce; i++)
        {
            Assert.True(_pace.TryTake());
            _time.Advance(TimeSpan.FromSeconds(1.001 / PeerLimits.LoginsPerSecond));
        }
        Assert.InRange(TakeAll(), PeerLimits.LoginsAtOnce, PeerLimits.LoginsAtOnce + 1);
    }

    [Fact]
    public void A_long_pause_saves_up_no_more_than_comes_at_once()
    {
        Assert.True(_pace.TryTake());
        _time.Advance(TimeSpan.FromDays(100));
        Assert.Equal(PeerLimits.LoginsAtOnce, TakeAll());
    }

    private int TakeAll()
    {
        var taken = 0;
        while (_pace.TryTake())
            taken++;
        return taken;
    }
}
