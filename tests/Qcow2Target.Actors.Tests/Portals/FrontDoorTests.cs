using System.Net;
using System.Net.Sockets;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Portals;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Testing;

namespace Qcow2Target.Actors.Tests.Portals;

/// <summary>The door of a portal on a real socket, with the portal played by the test.</summary>
public sealed class FrontDoorTests : TestKit
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly SocketPoller _poller = new();
    private readonly List<Socket> _peers = [];
    private readonly TestProbe _portal, _lines;
    private FrontDoor? _door;
    private IPEndPoint? _address;

    public FrontDoorTests()
    {
        _portal = CreateTestProbe();
        _lines = CreateTestProbe();
        Sys.EventStream.Subscribe(_lines.Ref, typeof(LogEvent));
    }

    protected override void AfterAll()
    {
        _door?.Close();
        _poller.Dispose();
        foreach (var peer in _peers)
            peer.Dispose();
        base.AfterAll();
    }

    [Fact]
    public void Only_who_says_something_is_handed_in_and_its_bytes_are_still_there()
    {
        Open(TimeSpan.FromMinutes(1));
        Connect();
        var talker = Connect();
        _portal.ExpectNoMsg(100);
        talker.Send([1, 2, 3]);
        using var socket = _portal.ExpectMsg<ConnectionArrived>(Limit).Socket;
        var bytes = new byte[8];
        Assert.Equal(3, socket.Receive(bytes));
        Assert.Equal(talker.LocalEndPoint, socket.RemoteEndPoint);
    }

    [Fact]
    public void Who_drips_a_login_is_handed_in_when_its_header_is_whole()
    {
        Open(TimeSpan.FromMinutes(1));
        var dripper = Connect();
        for (var i = 0; i < 47; i++)
        {
            dripper.Send([0x43]);
            if (i % 16 == 0)
                _portal.ExpectNoMsg(20);
        }
        _portal.ExpectNoMsg(50);
        dripper.Send([0x43]);
        using var socket = _portal.ExpectMsg<ConnectionArrived>(Limit).Socket;
        Assert.Equal(48, socket.Receive(new byte[100]));
        dripper.Send([1]);
        Assert.True(socket.Poll(Limit, SelectMode.SelectRead));
    }

    [Fact]
    public void Who_ends_within_a_header_is_closed()
    {
        Open(TimeSpan.FromMinutes(1));
        var peer = Connect();
        peer.Send([0x43, 1, 2]);
        peer.Shutdown(SocketShutdown.Send);
        var closed = Assert.Throws<SocketException>(() => peer.Receive(new byte[1]));     // its bytes were not read
        Assert.Equal(SocketError.ConnectionReset, closed.SocketErrorCode);
        _portal.ExpectNoMsg(50);
    }

    [Fact]
    public void Who_goes_again_without_a_word_is_no_matter_for_the_portal()
    {
        Open(TimeSpan.FromMinutes(1));
        for (var i = 0; i < 50; i++)
        {
            var peer = Connect();
            if (i % 2 == 0)
                peer.LingerState = new LingerOption(true, 0);
            peer.Dispose();
        }
        Connect().Send([0x01]);
        _portal.ExpectMsg<ConnectionArrived>(Limit).Socket.Dispose();
        _portal.ExpectNoMsg(50);
    }

    [Fact]
    public void Who_says_nothing_for_too_long_is_closed_with_one_line()
    {
        Open(TimeSpan.FromMilliseconds(300));
        var silent = Enumerable.Range(0, 5).Select(_ => Connect()).ToArray();
        foreach (var peer in silent)
            Assert.Equal(0, peer.Receive(new byte[1]));
        var line = _lines.ExpectMsg<LogEvent>(Limit).Message.ToString()!;
        Assert.Contains("was too slow: it said little or nothing for 0.3 s", line, StringComparison.Ordinal);
        _lines.ExpectNoMsg(50);
    }

    [Fact]
    public void In_a_full_room_the_oldest_makes_room_and_who_comes_last_is_handed_in()
    {
        Open(TimeSpan.FromMinutes(1));
        for (var i = 0; i < PeerLimits.SilentConnections; i++)
            Connect();
        Connect().Send([0x01]);
        using var arrived = _portal.ExpectMsg<ConnectionArrived>(Limit).Socket;
        Assert.Equal(_peers[^1].LocalEndPoint, arrived.RemoteEndPoint);
        Assert.Equal(0, _peers[0].Receive(new byte[1]));
        Assert.False(_peers[1].Poll(0, SelectMode.SelectRead));
    }

    [Fact]
    public void No_more_are_handed_in_than_the_portal_has_room_for_and_each_that_ends_lets_in_another()
    {
        Open(TimeSpan.FromMinutes(1), new LoginPace(new HastyTime()));
        for (var i = 0; i < PeerLimits.LoginsAlive + 5; i++)
            Connect().Send([0x01]);
        for (var i = 0; i < PeerLimits.LoginsAlive; i++)
            _portal.ExpectMsg<ConnectionArrived>(Limit).Socket.Dispose();
        _portal.ExpectNoMsg(100);
        for (var i = 0; i < 5; i++)
        {
            _door!.TakeBack();
            _portal.ExpectMsg<ConnectionArrived>(Limit).Socket.Dispose();
        }
        _door!.TakeBack();
        _portal.ExpectNoMsg(50);
    }

    [Fact]
    public void Who_comes_in_a_flood_waits_for_its_turn_and_another_address_does_not_wait_for_all_of_them()
    {
        Open(TimeSpan.FromMinutes(1), UsedUp(TimeProvider.System));
        for (var i = 0; i < PeerLimits.LoginsPerSecond; i++)
            Connect().Send([0x01]);
        var other = Connect(IPAddress.Parse("127.0.0.2"));
        other.Send([0x01]);
        var before = 0;
        while (_portal.ExpectMsg<ConnectionArrived>(Limit).Socket is var socket && !socket.RemoteEndPoint!.Equals(other.LocalEndPoint))
        {
            before++;
            socket.Dispose();
        }
        Assert.InRange(before, 0, PeerLimits.LoginsPerSecond / 2);
        for (var i = before; i < PeerLimits.LoginsPerSecond; i++)
            _portal.ExpectMsg<ConnectionArrived>(Limit).Socket.Dispose();
    }

    [Fact]
    public void Who_waits_for_its_turn_in_a_full_room_makes_room_with_that_as_the_reason()
    {
        Open(TimeSpan.FromMinutes(1), UsedUp(new ManualTime()));
        for (var i = 0; i <= PeerLimits.SilentConnections; i++)
            Connect().Send([0x01]);
        var line = _lines.ExpectMsg<LogEvent>(Limit).Message.ToString()!;
        Assert.Contains("made room for others: it waited for its turn to log in, and stood longest in a full room", line, StringComparison.Ordinal);
        Assert.False(_peers[^1].Poll(0, SelectMode.SelectRead));
        _portal.ExpectNoMsg(50);
    }

    [Fact]
    public void A_closed_door_closes_who_waits_and_listens_no_more()
    {
        Open(TimeSpan.FromMinutes(1));
        var silent = Connect();
        Connect().Send([0x01]);
        _portal.ExpectMsg<ConnectionArrived>(Limit).Socket.Dispose();   // so the silent one, which came before, has been accepted
        _door!.Close();
        Assert.Equal(0, silent.Receive(new byte[1]));
        Assert.Throws<SocketException>(() => Connect());
    }

    /// <summary>A pace by which nobody may come at once any more.</summary>
    private static LoginPace UsedUp(TimeProvider time)
    {
        var pace = new LoginPace(time);
        while (pace.TryTake())
        {
        }
        return pace;
    }

    private void Open(TimeSpan loginTimeout, LoginPace? pace = null)
    {
        var listener = PortalActor.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        _address = (IPEndPoint)listener.LocalEndPoint!;
        var settings = new PortalSettings([], 1, loginTimeout, Limit, TestActor, new TargetBoard(), new PeerLog(Sys.Log, TimeProvider.System));
        _door = new FrontDoor(listener, settings, _poller, pace ?? new LoginPace(TimeProvider.System), _portal.Ref);
        _door.Open();
    }

    /// <summary>A second passes from one look to the next.</summary>
    private sealed class HastyTime : TimeProvider
    {
        private long _seconds;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Increment(ref _seconds) * TimeSpan.TicksPerSecond;
    }

    private Socket Connect(IPAddress? from = null)
    {
        Socket peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = (int)Limit.TotalMilliseconds };
        _peers.Add(peer);
        if (from is not null)
            peer.Bind(new IPEndPoint(from, 0));
        peer.Connect(_address!);
        return peer;
    }
}
