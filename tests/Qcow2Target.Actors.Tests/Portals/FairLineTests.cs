using System.Net;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Portals;

namespace Qcow2Target.Actors.Tests.Portals;

public sealed class FairLineTests
{
    private static readonly PeerGroup Attacker = PeerGroup.Of(IPAddress.Parse("192.0.2.66")), Farm = PeerGroup.Of(IPAddress.Parse("192.0.2.7"));

    private readonly FairLine<string> _line = new();

    [Fact]
    public void Of_one_address_the_first_comes_first()
    {
        Add(Farm, "a", "b", "c");
        Assert.Equal(["a", "b", "c"], TakeAll());
    }

    [Fact]
    public void Addresses_take_turns_however_many_wait_of_one()
    {
        Add(Attacker, "1", "2", "3", "4");
        Add(Farm, "a", "b");
        Assert.Equal(["1", "a", "2", "b", "3", "4"], TakeAll());
    }

    [Fact]
    public void Who_comes_again_at_once_has_its_turn_behind_the_others()
    {
        Add(Attacker, "1", "2");
        Add(Farm, "a");
        Assert.Equal("1", _line.Take());
        Add(Attacker, "3");
        Assert.Equal(["a", "2", "3"], TakeAll());
    }

    [Fact]
    public void Who_has_gone_is_passed_over_and_its_address_with_it()
    {
        Add(Attacker, "1");
        Add(Farm, "a", "b");
        _line.Remove("1");
        _line.Remove("a");
        _line.Remove("never here");
        Assert.False(_line.Contains("a"));
        Assert.True(_line.Contains("b"));
        Add(Attacker, "2");
        Assert.Equal(2, _line.Count);
        Assert.Equal(["b", "2"], TakeAll());
    }

    [Fact]
    public void Any_order_of_coming_and_going_keeps_every_one_that_waits()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        List<string> expected = [];
        for (var i = 0; i < 10_000; i++)
        {
            switch (random.Next(3))
            {
                case 0:
                    Add(random.Next(2) == 0 ? Attacker : Farm, $"{i}");
                    expected.Add($"{i}");
                    break;
                case 1 when expected.Count > 0:
                    var gone = expected[random.Next(expected.Count)];
                    _line.Remove(gone);
                    expected.Remove(gone);
                    break;
                case 2:
                    var taken = _line.Take();
                    Assert.True(taken is null ? expected.Count == 0 : expected.Remove(taken), $"seed {seed}: step {i} took {taken}");
                    break;
            }
            Assert.True(expected.Count == _line.Count, $"seed {seed}: step {i} counts {_line.Count}, not {expected.Count}");
        }
    }

    private void Add(PeerGroup source, params string[] names)
    {
        foreach (var name in names)
            _line.Add(name, source);
    }

    private List<string> TakeAll()
    {
        List<string> all = [];
        while (_line.Take() is { } next)
            all.Add(next);
        return all;
    }
}
