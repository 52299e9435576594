using System.Net;
using System.Net.Sockets;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Sessions;

namespace Qcow2Target.Actors.Portals;

/// <summary>The logins of one address: each connection that has something to say, which its <see cref="FrontDoor"/> hands in, gets a login of its own.</summary>
public sealed class PortalActor : ReceiveActor
{
    private readonly PortalSettings _settings;
    private readonly SocketPoller _poller;
    private readonly FrontDoor _door;
    private readonly PendingLogins<IActorRef> _pending = new(LimitOf);
    private long _accepted;

    internal PortalActor(Socket listener, PortalSettings settings, SocketPoller poller)
    {
        _settings = settings;
        _poller = poller;
        _door = new FrontDoor(listener, settings, poller, new LoginPace(TimeProvider.System), Self);
        Receive<ConnectionArrived>(message => Admit(message.Socket));
        Receive<LoginAdvanced>(message => _pending.Advance(Sender, message.Progress)?.Tell(MakeRoom.Instance));
        Receive<DescriptorsShort>(_ => _pending.TakeLeastAdvanced()?.Tell(MakeRoom.Instance));
        Receive<LoginOver>(message =>
        {
            _pending.Leave(message.Login);
            _door.TakeBack();
        });
    }

    internal static Props PropsFor(Socket listener, PortalSettings settings, SocketPoller poller) => Props.Create(() => new PortalActor(listener, settings, poller));

    /// <exception cref="SocketException">The address cannot be listened on.</exception>
    public static Socket Listen(IPEndPoint endPoint)
    {
        var listener = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
                listener.DualMode = false;
            listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            listener.Bind(endPoint);
            listener.Listen(PeerLimits.AcceptBacklog);
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    public static bool IsMissingFamily(SocketException e) =>
        e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable or SocketError.ProtocolNotSupported
            or SocketError.OperationNotSupported;

    /// <summary>A login that fails ends its connection and nothing else.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void PreStart() => _door.Open();

    protected override void PostStop() => _door.Close();

    private void Admit(Socket socket)
    {
        LoginSocket connection;
        try
        {
            SocketOptions.Prepare(socket, _settings.UserTimeout);
            connection = new LoginSocket(socket, _poller);
        }
        catch (SocketException)
        {
            socket.Dispose();   // gone before it was looked at
            _door.TakeBack();
            return;
        }
        var login = Context.ActorOf(LoginActor.PropsFor(connection, _settings), $"login-{++_accepted}");
        Context.WatchWith(login, new LoginOver(login));
        _pending.Enter(login, PeerGroup.Of(connection.Peer.Address))?.Tell(MakeRoom.Instance);
    }

    private static int LimitOf(LoginProgress progress) => progress switch
    {
        LoginProgress.Arriving => PeerLimits.ArrivingLogins,
        LoginProgress.Negotiating => PeerLimits.Negotiations,
        _ => PeerLimits.DiscoverySessions,
    };

    private sealed record LoginOver(IActorRef Login);
}
