using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Interop;
using Qcow2Target.Iscsi.Framing;
using Qcow2Target.Iscsi.Pdus;

namespace Qcow2Target.Actors.Portals;

/// <summary>From the door to its portal: a connection that has sent something. Belongs to the portal, which tells the door when it is over.</summary>
internal sealed record ConnectionArrived(Socket Socket);

/// <summary>From the door to its portal: there are no descriptors left, and no silent connection that could be closed for one.</summary>
internal sealed record DescriptorsShort;

/// <summary>
/// A portal's listener and the connections that have said nothing yet, or not the whole header of a Login Request. They cost a socket each and no actor,
/// buffer or timer; whoever has said more, or something else, is handed to the portal, in turn, as far as that has room and the pace allows. Runs on the
/// poller's thread; safe to call from several threads.
/// </summary>
internal sealed unsafe class FrontDoor(Socket listener, PortalSettings settings, SocketPoller poller, LoginPace pace, IActorRef portal) : IPollerClient
{
    private const int LookMilliseconds = 250;
    private const int TurnMilliseconds = 10;

    private readonly Lock _gate = new();
    private readonly PendingLogins<Visitor> _silent = new(_ => PeerLimits.SilentConnections);
    private readonly Dictionary<long, Visitor> _watched = [];
    private readonly FairLine<Visitor> _arrived = new();
    private readonly IPEndPoint _address = (IPEndPoint)listener.LocalEndPoint!;
    private long _listening = -1;
    private int _inside;
    private long _lastLook;
    private bool _isClosed;

    public int PatienceMilliseconds
    {
        get
        {
            lock (_gate)
                return _arrived.Count > 0 ? TurnMilliseconds : LookMilliseconds;
        }
    }

    public void Open()
    {
        listener.Blocking = false;
        lock (_gate)
            Listen();
        poller.Add(this);
    }

    /// <summary>A connection that was handed in is over, or a session: there is room for another.</summary>
    public void TakeBack()
    {
        lock (_gate)
        {
            _inside--;
            HandIn();
        }
    }

    public void Ready(long number)
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            if (number == _listening)
            {
                AcceptSome();
            }
            else if (_watched.Remove(number, out var visitor) && !visitor.IsGone && HasArrived(visitor))
            {
                _arrived.Add(visitor, PeerGroup.Of(visitor.Peer.Address));
                HandIn();
            }
        }
    }

    /// <summary>Hands in who may come now; closes who has been here for too long, and listens again after a want of descriptors.</summary>
    public void Tick()
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            HandIn();
            var now = Environment.TickCount64;
            if (now - _lastLook < LookMilliseconds)
                return;
            _lastLook = now;
            var longest = (long)settings.LoginTimeout.TotalMilliseconds;
            foreach (var late in _silent.All.Where(v => now - v.Since >= longest).ToArray())
            {
                _silent.Leave(late);
                Close(late, "was too slow", $"{Describe(late)} for {settings.LoginTimeout.TotalSeconds:0.###} s");
            }
            if (_listening < 0)
                Listen();
        }
    }

    /// <summary>Closes the listener and every connection that was not handed in.</summary>
    public void Close()
    {
        poller.Remove(this);
        lock (_gate)
        {
            if (_isClosed)
                return;
            _isClosed = true;
            poller.Unwatch(_listening);
            listener.Dispose();
            foreach (var visitor in _silent.All)
                Forget(visitor);
        }
    }

    private void Listen() => _listening = poller.Watch(listener, this);

    private void AcceptSome()
    {
        _listening = -1;
        for (var i = 0; i < PeerLimits.AcceptsAtOnce; i++)
        {
            var descriptor = Libc.Accept(listener.SafeHandle, 0, 0, Libc.SOCK_CLOEXEC);
            if (descriptor >= 0)
            {
                LetIn(descriptor);
                continue;
            }
            switch (Marshal.GetLastPInvokeError())
            {
                case Libc.EMFILE or Libc.ENFILE or Libc.ENOBUFS or Libc.ENOMEM:
                    GiveBack();
                    return;      // listens again with the next tick
                case Libc.EAGAIN:
                    Listen();
                    return;
            }
            // Anything else concerns one connection only, which is gone (accept(2)).
        }
        Listen();
    }

    private void LetIn(int descriptor)
    {
        var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        if (PeerOf(socket) is not { } peer)
        {
            socket.Dispose();   // gone before it was looked at
            return;
        }
        var visitor = new Visitor(socket, peer);
        if (_silent.Enter(visitor, PeerGroup.Of(visitor.Peer.Address)) is { } other)
            Close(other, "made room for others", $"{Describe(other)}, and stood longest in a full room");
        if (Watch(visitor))
            return;
        _silent.Leave(visitor);
        Forget(visitor);
    }

    private bool Watch(Visitor visitor)
    {
        visitor.Watch = poller.Watch(visitor.Socket, this);
        if (visitor.Watch < 0)
            return false;
        _watched[visitor.Watch] = visitor;
        return true;
    }

    private static IPEndPoint? PeerOf(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint as IPEndPoint;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>Hands who has something to say to the portal.</summary>
    private void HandIn()
    {
        while (_arrived.Count > 0 && _inside < PeerLimits.LoginsAlive && pace.TryTake())
        {
            var visitor = _arrived.Take()!;
            _silent.Leave(visitor);
            visitor.IsGone = true;
            _inside++;
            if (visitor.AwaitsHeader)
                visitor.Socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveLowWater, 1);
            portal.Tell(new ConnectionArrived(visitor.Socket), ActorRefs.NoSender);
        }
    }

    /// <summary>False: it is gone again, or what it has sent is the beginning of a Login Request's header, for whose rest the kernel waits.</summary>
    private bool HasArrived(Visitor visitor)
    {
        var header = stackalloc byte[DigestUse.BasicHeaderBytes];
        var bytes = (int)Libc.Recv(visitor.Socket.SafeHandle, header, DigestUse.BasicHeaderBytes, Libc.MSG_PEEK | Libc.MSG_DONTWAIT);
        var isBeginning = bytes is > 0 and < DigestUse.BasicHeaderBytes && BasicHeader.Opcode(new ReadOnlySpan<byte>(header, bytes)) == Opcode.LoginRequest;
        // With the whole header asked for, less of it means that the peer has ended its side.
        if (bytes > 0 && !(isBeginning && visitor.AwaitsHeader))
        {
            if (!isBeginning)
                return true;
            visitor.AwaitsHeader = true;
            visitor.Socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveLowWater, DigestUse.BasicHeaderBytes);
            if (Watch(visitor))
                return false;
        }
        _silent.Leave(visitor);
        Forget(visitor);
        return false;
    }

    private void GiveBack()
    {
        settings.Peers.Refused("cannot take connections", _address, "there are no descriptors or no memory left for another");
        if (_silent.TakeLeastAdvanced() is { } other)
            Close(other, "made room for others", $"{Describe(other)}, and descriptors were short");
        else
            portal.Tell(new DescriptorsShort(), ActorRefs.NoSender);
    }

    private void Close(Visitor visitor, string kind, string reason)
    {
        settings.Peers.Refused(kind, visitor.Peer, reason);
        Forget(visitor);
    }

    private string Describe(Visitor visitor) => _arrived.Contains(visitor) ? "it waited for its turn to log in" : "it said little or nothing";

    private void Forget(Visitor visitor)
    {
        visitor.IsGone = true;
        _arrived.Remove(visitor);
        poller.Unwatch(visitor.Watch);
        _watched.Remove(visitor.Watch);
        visitor.Socket.Dispose();
    }

    private sealed class Visitor(Socket socket, IPEndPoint peer)
    {
        public Socket Socket => socket;

        public IPEndPoint Peer => peer;

        public long Since { get; } = Environment.TickCount64;

        public long Watch { get; set; }

        /// <summary>The kernel tells of it when a whole header has come.</summary>
        public bool AwaitsHeader { get; set; }

        /// <summary>Closed, or handed in.</summary>
        public bool IsGone { get; set; }
    }
}
