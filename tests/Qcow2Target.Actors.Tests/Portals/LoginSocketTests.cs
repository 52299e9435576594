using System.Net;
using System.Net.Sockets;
using Qcow2Target.Actors.Portals;

namespace Qcow2Target.Actors.Tests.Portals;

public sealed class LoginSocketTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly SocketPoller _poller = new();
    private readonly Socket _peer;
    private readonly Socket _ours;
    private readonly LoginSocket _socket;

    public LoginSocketTests()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _peer.Connect(listener.LocalEndPoint!);
        _ours = listener.Accept();
        _socket = new LoginSocket(_ours, _poller);
    }

    public void Dispose()
    {
        _socket.Dispose();
        _peer.Dispose();
        _poller.Dispose();
    }

    [Fact]
    public async Task A_receive_waits_for_bytes_and_then_for_the_end()
    {
        var buffer = new byte[16];
        var received = _socket.ReceiveAsync(buffer);
        Assert.False(received.IsCompleted);
        _peer.Send([1, 2, 3]);
        Assert.Equal(3, await received.WaitAsync(Limit));
        Assert.Equal([1, 2, 3], buffer[..3]);
        _peer.Shutdown(SocketShutdown.Both);
        Assert.Equal(0, await _socket.ReceiveAsync(buffer).WaitAsync(Limit));
    }

    [Fact]
    public async Task A_send_waits_for_a_peer_that_reads_slowly_and_sends_all()
    {
        var bytes = new byte[16 << 20];
        new Random(1).NextBytes(bytes);
        var sent = _socket.SendAsync(bytes);
        Assert.False(sent.IsCompleted);
        var got = new byte[bytes.Length];
        var count = 0;
        while (count < got.Length)
            count += _peer.Receive(got.AsSpan(count));
        await sent.WaitAsync(Limit);
        Assert.True(bytes.AsSpan().SequenceEqual(got));
    }

    [Fact]
    public async Task Closing_ends_a_receive_that_waits_and_only_then_closes_the_descriptor()
    {
        var received = _socket.ReceiveAsync(new byte[16]);
        _socket.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => received.WaitAsync(Limit));
        Assert.True(_ours.SafeHandle.IsClosed);
        Assert.Equal(0, _peer.Receive(new byte[1]));
    }

    [Fact]
    public async Task The_end_of_the_poller_ends_what_waits()
    {
        var received = _socket.ReceiveAsync(new byte[16]);
        _poller.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => received.WaitAsync(Limit));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _socket.ReceiveAsync(new byte[16]).WaitAsync(Limit));
    }

    [Fact]
    public async Task Many_sockets_wait_at_once()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(100);
        List<(Socket Peer, LoginSocket Ours, Task<int> Received)> all = [];
        for (var i = 0; i < 100; i++)
        {
            Socket peer = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            peer.Connect(listener.LocalEndPoint!);
            LoginSocket ours = new(listener.Accept(), _poller);
            all.Add((peer, ours, ours.ReceiveAsync(new byte[16])));
        }
        foreach (var (peer, _, _) in all.AsEnumerable().Reverse())
            peer.Send([1]);
        foreach (var (peer, ours, received) in all)
        {
            Assert.Equal(1, await received.WaitAsync(Limit));
            ours.Dispose();
            peer.Dispose();
        }
    }
}
