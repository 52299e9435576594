using System.Net;
using System.Net.Sockets;
using Qcow2Target.Actors.Sessions;

namespace Qcow2Target.Actors.Portals;

/// <summary>Accepts connections on one address and gives each to a login of its own.</summary>
public sealed class PortalActor : ReceiveActor, IWithTimers
{
    private const int Backlog = 512;
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    private readonly Socket _listener;
    private readonly PortalSettings _settings;
    private readonly SocketPoller _poller;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private long _accepted;
    private int _logins;
    private bool _fullTold;

    internal PortalActor(Socket listener, PortalSettings settings, SocketPoller poller)
    {
        _listener = listener;
        _settings = settings;
        _poller = poller;
        Receive<Accepted>(message => Admit(message.Socket));
        Receive<AcceptFailed>(message => Judge(message.Cause));
        Receive<AcceptAgain>(_ => Accept());
        Receive<LoginOver>(_ =>
        {
            _logins--;
            _fullTold = false;
        });
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
            listener.Listen(Backlog);
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
        Accept();
        if (_logins >= ActorLimits.LoginsOfPortal)
        {
            socket.Dispose();
            if (!_fullTold)
                _log.Warning("{Limit} connections wait for their login (limit LoginsOfPortal): more are turned away", ActorLimits.LoginsOfPortal);
            _fullTold = true;
            return;
        }
        LoginSocket connection;
        try
        {
            SocketOptions.Prepare(socket, _settings.UserTimeout);
            connection = new LoginSocket(socket, _poller);
        }
        catch (SocketException)
        {
            socket.Dispose();   // gone before it was looked at
            return;
        }
        _logins++;
        var login = Context.ActorOf(LoginActor.PropsFor(connection, _settings), $"login-{++_accepted}");
        Context.WatchWith(login, new LoginOver());
    }

    /// <summary>The listener closed: the end. No descriptors or memory: pause, then go on. Anything else concerns one connection only.</summary>
    private void Judge(Exception cause)
    {
        switch (cause)
        {
            case ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted }:
                return;
            case SocketException { SocketErrorCode: SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable }:
                _log.Warning("cannot accept now: {Reason}", cause.Message);
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

    private sealed record LoginOver;

    private sealed record AcceptAgain
    {
        public static readonly AcceptAgain Instance = new();
    }
}
