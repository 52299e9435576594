using System.Net;
using System.Net.Sockets;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Sessions;

namespace Qcow2Target.Actors.Portals;

/// <summary>Accepts connections on one address and gives each to a login of its own.</summary>
public sealed class PortalActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    /// <summary>Logins that were told to go need a moment for it: with more of them the next connection waits to be accepted.</summary>
    private const int MostAlive = PeerLimits.SilentConnections + PeerLimits.Negotiations + PeerLimits.DiscoverySessions + 64;

    private readonly Socket _listener;
    private readonly PortalSettings _settings;
    private readonly SocketPoller _poller;
    private readonly PendingLogins<IActorRef> _pending = new(LimitOf);
    private long _accepted;
    private int _alive;
    private bool _holdsBack;

    internal PortalActor(Socket listener, PortalSettings settings, SocketPoller poller)
    {
        _listener = listener;
        _settings = settings;
        _poller = poller;
        Receive<Accepted>(message => Admit(message.Socket));
        Receive<AcceptFailed>(message => Judge(message.Cause));
        Receive<AcceptAgain>(_ => Accept());
        Receive<LoginAdvanced>(message => _pending.Advance(Sender, message.Progress)?.Tell(MakeRoom.Instance));
        Receive<LoginOver>(message => Forget(message.Login));
    }

    public ITimerScheduler Timers { get; set; } = null!;

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

    protected override void PreStart() => Accept();

    protected override void PostStop() => _listener.Dispose();

    private void Accept() =>
        _listener.AcceptAsync().PipeTo(Self, Self, success: socket => new Accepted(socket), failure: e => new AcceptFailed(e));

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
            Accept();
            return;
        }
        var login = Context.ActorOf(LoginActor.PropsFor(connection, _settings), $"login-{++_accepted}");
        Context.WatchWith(login, new LoginOver(login));
        _alive++;
        _pending.Enter(login, PeerGroup.Of(connection.Peer.Address))?.Tell(MakeRoom.Instance);
        if (_alive < MostAlive)
            Accept();
        else
            _holdsBack = true;
    }

    private void Forget(IActorRef login)
    {
        _pending.Leave(login);
        _alive--;
        if (!_holdsBack)
            return;
        _holdsBack = false;
        Accept();
    }

    private static int LimitOf(LoginProgress progress) => progress switch
    {
        LoginProgress.Silent => PeerLimits.SilentConnections,
        LoginProgress.Negotiating => PeerLimits.Negotiations,
        _ => PeerLimits.DiscoverySessions,
    };

    /// <summary>
    /// The listener closed: the end. No descriptors or memory: one that has come least far gives its own back, and after a pause it goes on. Anything else
    /// concerns one connection only.
    /// </summary>
    private void Judge(Exception cause)
    {
        switch (cause)
        {
            case ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted }:
                return;
            case SocketException { SocketErrorCode: SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable }:
                _settings.Peers.Refused("cannot accept connections", (IPEndPoint)_listener.LocalEndPoint!, cause.Message);
                _pending.TakeLeastAdvanced()?.Tell(MakeRoom.Instance);
                Timers.StartSingleTimer(AcceptAgain.Instance, AcceptAgain.Instance, AcceptPause);
                return;
            default:
                Accept();
                return;
        }
    }

    private sealed record Accepted(Socket Socket);

    // Comes after the actor has stopped, when its listener was closed: no news then.
    private sealed record AcceptFailed(Exception Cause) : IDeadLetterSuppression;

    private sealed record LoginOver(IActorRef Login);

    private sealed record AcceptAgain
    {
        public static readonly AcceptAgain Instance = new();
    }
}
