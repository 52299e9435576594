using System.Net;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Testing;

namespace Qcow2Target.Actors.Tests.Peers;

public sealed class PeerLogTests : TestKit
{
    private readonly ManualTime _clock = new();
    private readonly TestProbe _lines;
    private readonly PeerLog _log;

    public PeerLogTests()
    {
        _lines = CreateTestProbe();
        Sys.EventStream.Subscribe(_lines.Ref, typeof(LogEvent));
        _log = new PeerLog(Sys.Log, _clock);
    }

    [Fact]
    public void The_first_of_a_kind_is_told_at_once_and_the_rest_in_one_line_when_the_window_is_over()
    {
        for (var i = 0; i < 4212; i++)
            _log.Refused("was refused with NotFound", Peer(1), $"target {i}");
        Assert.Equal(["192.0.2.1:4000 was refused with NotFound: target 0"], Lines());
        _log.Tell();
        Assert.Empty(Lines());
        _clock.Advance(PeerLimits.LogWindow);
        _log.Tell();
        Assert.Equal(["and 4211 more from one address was refused with NotFound"], Lines());
    }

    [Fact]
    public void A_flood_of_one_kind_does_not_hide_the_first_line_of_another_nor_of_another_peer()
    {
        for (var i = 0; i < 100_000; i++)
            _log.Refused("was too slow", Peer(i % 100_000), "x");
        Assert.Equal(PeerLimits.LoggedPeers, Lines().Count);
        _log.Refused("was refused with AuthorizationFailure", Peer(1), "y");
        Assert.Equal(["192.0.2.1:4000 was refused with AuthorizationFailure: y"], Lines());
        _log.Refused("was refused with AuthorizationFailure", Peer(2), "z");
        Assert.Equal(["192.0.2.2:4000 was refused with AuthorizationFailure: z"], Lines());
    }

    [Fact]
    public void A_flood_that_goes_on_has_one_line_for_each_window_and_one_that_ended_is_news_again()
    {
        for (var window = 0; window < 3; window++)
        {
            for (var i = 0; i < 10; i++)
                _log.Refused("was too slow", Peer(1), "x");
            _clock.Advance(PeerLimits.LogWindow);
            _log.Tell();
        }
        Assert.Equal(["192.0.2.1:4000 was too slow: x", "and 9 more from one address was too slow", "and 10 more from one address was too slow", "and 10 more from one address was too slow"], Lines());
        _clock.Advance(PeerLimits.LogWindow);
        _log.Tell();
        _log.Refused("was too slow", Peer(1), "again");
        Assert.Equal(["192.0.2.1:4000 was too slow: again"], Lines());
    }

    [Fact]
    public void Addresses_of_one_ipv6_network_are_one_peer()
    {
        for (var i = 0; i < 50; i++)
            _log.Refused("was too slow", new IPEndPoint(IPAddress.Parse($"2001:db8::{i + 1:x}"), 4000), "x");
        Assert.Single(Lines());
        _log.Refused("was too slow", new IPEndPoint(IPAddress.Parse("2001:db8:0:1::1"), 4000), "x");
        Assert.Single(Lines());
    }

    [Fact]
    public void Sessions_of_a_farm_are_told_one_by_one_up_to_a_limit()
    {
        for (var i = 0; i < 1000; i++)
            _log.Session("opened a session", Peer(1), "x");
        Assert.Equal(PeerLimits.SessionLines, Lines().Count);
        _log.TellAll();
        Assert.Equal([$"and {1000 - PeerLimits.SessionLines} more from one address opened a session"], Lines());
    }

    [Fact]
    public void What_a_peer_makes_up_stays_one_line_of_bounded_length()
    {
        _log.Refused("was refused with NotFound", Peer(1), "a\nb\u001b[2J" + new string('c', 100_000));
        var line = Assert.Single(Lines());
        Assert.Contains("a?b?[2Jccc", line, StringComparison.Ordinal);
        Assert.InRange(line.Length, 1, PeerLimits.LoggedCharacters + 100);
    }

    [Fact]
    public void Kinds_without_end_share_one()
    {
        for (var i = 0; i < 10_000; i++)
            _log.Refused($"kind {i}", Peer(1), "x");
        Assert.Equal(PeerLimits.LoggedKinds + 1, Lines().Count);
    }

    private static IPEndPoint Peer(int number) => new(new IPAddress([(byte)(number < 256 ? 192 : 10), (byte)(number >> 16), (byte)(number < 256 ? 2 : number >> 8), (byte)number]), 4000);

    /// <summary>What was told since the last look; a mark of our own says that all has come.</summary>
    private List<string> Lines()
    {
        Sys.Log.Warning("mark");
        List<string> lines = [];
        while (true)
        {
            var line = _lines.ExpectMsg<LogEvent>().Message.ToString()!;
            if (line == "mark")
                return lines;
            lines.Add(line);
        }
    }
}
