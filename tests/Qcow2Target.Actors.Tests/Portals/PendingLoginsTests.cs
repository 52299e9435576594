using System.Net;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Portals;

namespace Qcow2Target.Actors.Tests.Portals;

public sealed class PendingLoginsTests
{
    private static readonly PeerGroup Attacker = Address("192.0.2.66"), Farm = Address("192.0.2.7");

    private readonly PendingLogins<string> _pending = new(progress => progress == LoginProgress.Arriving ? 4 : 2);

    [Fact]
    public void While_there_is_room_nobody_has_to_go()
    {
        foreach (var name in new[] { "a", "b", "c", "d" })
            Assert.Null(_pending.Enter(name, Attacker));
        _pending.Leave("b");
        Assert.Null(_pending.Enter("e", Attacker));
        Assert.Equal(4, _pending.Count);
    }

    [Fact]
    public void In_a_full_room_the_oldest_of_the_address_with_most_goes_and_others_stay()
    {
        _pending.Enter("farm", Farm);
        foreach (var name in new[] { "1", "2", "3" })
            _pending.Enter(name, Attacker);
        Assert.Equal("1", _pending.Enter("4", Attacker));
        Assert.Equal("2", _pending.Enter("farm 2", Farm));
        Assert.Equal(4, _pending.Count);
    }

    [Fact]
    public void Of_many_addresses_with_one_each_the_oldest_goes_and_who_comes_last_stays_as_long_as_any()
    {
        for (var i = 0; i < 20; i++)
            Assert.Equal(i < 4 ? null : $"{i - 4}", _pending.Enter($"{i}", Address($"198.51.100.{i}")));
    }

    [Fact]
    public void Who_has_come_further_is_not_pushed_out_by_who_has_not()
    {
        _pending.Enter("honest", Attacker);
        Assert.Null(_pending.Advance("honest", LoginProgress.Negotiating));
        for (var i = 0; i < 100; i++)
            Assert.NotEqual("honest", _pending.Enter($"silent {i}", Attacker));
        Assert.Equal(1, _pending.CountOf(LoginProgress.Negotiating));
    }

    [Fact]
    public void Who_fills_the_further_rooms_takes_none_from_who_comes_new()
    {
        for (var i = 0; i < 10; i++)
        {
            _pending.Enter($"stuck {i}", Attacker);
            _pending.Advance($"stuck {i}", LoginProgress.Negotiating);
        }
        foreach (var name in new[] { "a", "b", "c", "d" })
            Assert.Null(_pending.Enter(name, Attacker));
        Assert.Equal("stuck 8", _pending.Advance("a", LoginProgress.Negotiating));
    }

    [Fact]
    public void Who_was_told_to_go_is_forgotten()
    {
        for (var i = 0; i < 5; i++)
            _pending.Enter($"{i}", Attacker);
        Assert.Null(_pending.Advance("0", LoginProgress.Discovering));
        _pending.Leave("0");
        Assert.Equal(4, _pending.Count);
    }

    [Fact]
    public void For_want_of_descriptors_the_least_advanced_goes_first()
    {
        _pending.Enter("discovery", Farm);
        _pending.Advance("discovery", LoginProgress.Discovering);
        _pending.Enter("silent", Farm);
        Assert.Equal("silent", _pending.TakeLeastAdvanced());
        Assert.Equal("discovery", _pending.TakeLeastAdvanced());
        Assert.Null(_pending.TakeLeastAdvanced());
    }

    private static PeerGroup Address(string text) => PeerGroup.Of(IPAddress.Parse(text));
}
