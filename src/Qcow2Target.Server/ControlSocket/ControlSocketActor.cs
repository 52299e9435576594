using System.Net.Sockets;

namespace Qcow2Target.Server.ControlSocket;

/// <summary>Stop accepting; answered by <see cref="ControlSocketClosed"/>. Connections in hand finish their request.</summary>
internal sealed record CloseControlSocket;

internal sealed record ControlSocketClosed;

/// <summary>Accepts control clients; one <see cref="ControlConnectionActor"/> for each.</summary>
internal sealed class ControlSocketActor : ReceiveActor, IWithTimers
{
    /// <summary>Clients at once; more wait in the kernel's backlog.</summary>
    private const int MaxConnections = 256;

    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);

    private readonly Socket _listener;
    private readonly string _path;
    private readonly IActorRef _manager;
    private readonly TimeSpan _deadline;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private long _accepted;
    private int _connections;
    private bool _accepting;

    public ControlSocketActor(Socket listener, string path, IActorRef manager, TimeSpan deadline)
    {
        _listener = listener;
        _path = path;
        _manager = manager;
        _deadline = deadline;
        Receive<Accepted>(message =>
        {
            _accepting = false;
            _connections++;
            var connection = Context.ActorOf(ControlConnectionActor.PropsFor(message.Socket, _manager, _deadline), $"c-{++_accepted}");
            Context.WatchWith(connection, new ConnectionOver());
            Accept();
        });
        Receive<AcceptFailed>(message =>
        {
            _accepting = false;
            if (message.Cause is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
                return;
            _log.Warning("cannot accept on the control socket now: {Reason}", message.Cause.Message);
            Timers.StartSingleTimer(AcceptAgain.Instance, AcceptAgain.Instance, AcceptPause);
        });
        Receive<AcceptAgain>(_ => Accept());
        Receive<ConnectionOver>(_ =>
        {
            _connections--;
            Accept();
        });
        Receive<CloseControlSocket>(_ =>
        {
            ControlSocketFile.Remove(_path);
            _listener.Dispose();
            Sender.Tell(new ControlSocketClosed());
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props PropsFor(Socket listener, string path, IActorRef manager, TimeSpan deadline) =>
        Props.Create(() => new ControlSocketActor(listener, path, manager, deadline));

    /// <summary>A client that breaks its connection's actor loses that connection only.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    protected override void PreStart() => Accept();

    protected override void PostStop() => _listener.Dispose();

    private void Accept()
    {
        if (_accepting || _connections >= MaxConnections)
            return;
        _accepting = true;
        _listener.AcceptAsync().PipeTo(Self, Self, success: socket => new Accepted(socket), failure: e => new AcceptFailed(e));
    }

    private sealed record Accepted(Socket Socket);

    // Comes after the actor has stopped, when its listener was closed: no news then.
    private sealed record AcceptFailed(Exception Cause) : IDeadLetterSuppression;

    private sealed record ConnectionOver;

    private sealed record AcceptAgain
    {
        public static readonly AcceptAgain Instance = new();
    }
}
