using System.Net;
using Qcow2Target.Actors.Sessions;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Login;

namespace Qcow2Target.Actors.Portals;

/// <summary>
/// One connection until it has a session. A discovery session stays here to its end; a normal one is handed to its target.
/// <code>
/// Negotiating → Finding → Admitting → Negotiating → handed over        Negotiating → Discovering
/// </code>
/// </summary>
public sealed class LoginActor : ReceiveActor, IWithTimers
{
    private const int BufferBytes = 64 << 10;

    private readonly LoginSocket _socket;
    private readonly PortalSettings _settings;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly LoginMachine _machine;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private readonly IPEndPoint _peer;
    private readonly ConnectionDirectory _directory;
    private int _start;
    private int _end;
    private bool _handedOver;
    private IActorRef? _target;
    private LoginIdentity? _identity;

    internal LoginActor(LoginSocket socket, PortalSettings settings)
    {
        _socket = socket;
        _settings = settings;
        _peer = socket.Peer;
        _machine = new LoginMachine(new LoginOffers
        {
            PortalGroupTag = settings.PortalGroupTag,
            Access = new ConnectionAccess(settings.Board, _peer.Address),
            ChapFloor = settings.ChapFloor,
        });
        _directory = new ConnectionDirectory(settings.Board, _peer.Address, PortalAddresses.For(socket.Local, settings.Portals, settings.PortalGroupTag));
        Negotiating();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    internal static Props PropsFor(LoginSocket socket, PortalSettings settings) => Props.Create(() => new LoginActor(socket, settings));

    protected override void PreStart()
    {
        Timers.StartSingleTimer(Timeout.Instance, Timeout.Instance, _settings.LoginTimeout);
        Fill();
    }

    protected override void PostStop()
    {
        if (!_handedOver)
            _socket.Dispose();
    }

    private void Negotiating()
    {
        Receive<Received>(message =>
        {
            _end += message.Count;
            Advance();
        });
        Receive<Sent>(_ => Advance());
        Common();
    }

    private void Common()
    {
        Receive<PeerGone>(message =>
        {
            _log.Debug("connection from {Peer} ended before its login: {Reason}", _peer.ToString(), message.Reason);
            Context.Stop(Self);
        });
        Receive<Terminated>(_ => { });   // the target has gone: who waits for it says so before this
        Receive<Timeout>(_ =>
        {
            _log.Warning("login from {Peer} took longer than {Limit} and was ended", _peer.ToString(), _settings.LoginTimeout);
            Context.Stop(Self);
        });
    }

    private void Advance()
    {
        var step = _machine.Receive(_buffer.AsSpan(_start, _end - _start), out var consumed);
        _start += consumed;
        Take(step);
    }

    private void Take(LoginStep step)
    {
        switch (step)
        {
            case LoginStep.NeedInput:
                Fill();
                break;
            case LoginStep.Send send:
                Send(send.Bytes, new Sent());
                break;
            case LoginStep.NeedAdmission need:
                SeekAdmission(need.Request);
                break;
            case LoginStep.Established established:
                Become(() => Establishing(established.Parameters));
                Send(established.Bytes, new Sent());
                break;
            case LoginStep.SendAndClose close:
                _log.Warning("login from {Peer} refused with {Status}: {Reason}", _peer.ToString(), close.Reason.ToString(), close.Explanation);
                Become(Refusing);
                Send(close.Bytes, new Sent());
                break;
        }
    }

    private void Fill()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_start > 0 && _end == _buffer.Length)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        _socket.ReceiveAsync(_buffer.AsMemory(_end)).PipeTo(Self, Self,
            success: count => count > 0 ? new Received(count) : new PeerGone("it closed the connection"),
            failure: e => new PeerGone(e.Message));
    }

    private void Send(ReadOnlyMemory<byte> bytes, object then) =>
        _socket.SendAsync(bytes).PipeTo(Self, Self, success: () => then, failure: e => new PeerGone(e.Message));

    private void Refusing()
    {
        Receive<Sent>(_ => Context.Stop(Self));
        Common();
    }

    // Admission

    private void SeekAdmission(AdmissionRequest request)
    {
        if (request.SessionType == SessionType.Discovery)
        {
            // Bound to no target: any handle will do, and a session that is asked for by one does not exist.
            Take(_machine.Admit(request.Tsih == 0
                ? new AdmissionDecision.Accepted(1)
                : new AdmissionDecision.Refused(LoginStatus.SessionDoesNotExist, "a discovery session is not kept")));
            return;
        }
        _identity = new LoginIdentity(request.InitiatorName, request.Isid, request.Tsih, request.ConnectionId, _peer, request.ChapUser);
        _settings.Manager.Tell(new FindTarget(new TargetName(request.TargetName)));
        Become(() => Finding(request.TargetName));
    }

    private void Finding(string targetName)
    {
        Receive<TargetFound>(found =>
        {
            _target = found.Target;
            Context.Watch(found.Target);
            found.Target.Tell(new AdmitLogin(_identity!));
            Become(Admitting);
        });
        Receive<TargetNotFound>(missing => Refuse(
            missing.ShuttingDown ? LoginStatus.ServiceUnavailable : LoginStatus.NotFound,
            missing.ShuttingDown ? "the daemon takes no sessions now" : $"there is no target {targetName}"));
        Common();
    }

    private void Admitting()
    {
        Receive<LoginAdmitted>(admitted => Decide(new AdmissionDecision.Accepted(admitted.Tsih, admitted.Reinstated)));
        Receive<LoginRedirected>(moved => Decide(new AdmissionDecision.Redirected(moved.Address, moved.Duration)));
        Receive<LoginRefused>(refused => Refuse((LoginStatus)((refused.StatusClass << 8) | refused.StatusDetail), refused.Reason));
        Receive<Terminated>(_ => Refuse(LoginStatus.TargetRemoved, "the target was deleted"));
        Common();
    }

    private void Refuse(LoginStatus status, string reason) => Decide(new AdmissionDecision.Refused(status, reason));

    private void Decide(AdmissionDecision decision)
    {
        Become(Negotiating);
        Take(_machine.Admit(decision));
    }

    private void Establishing(SessionParameters parameters)
    {
        Receive<Sent>(_ =>
        {
            if (parameters.SessionType == SessionType.Discovery)
            {
                Discover(new DiscoveryMachine(parameters, _directory));
                return;
            }
            var unread = _buffer.AsSpan(_start, _end - _start).ToArray();
            var connection = new EstablishedConnection(_socket.Release(), parameters, unread, _peer.ToString(), _directory);
            _target!.Tell(new BeginSession(_identity!, parameters.Tsih, connection));
        });
        Receive<SessionBegun>(_ =>
        {
            _handedOver = true;
            Context.Stop(Self);
        });
        Receive<SessionNotBegun>(_ => Context.Stop(Self));
        Receive<Terminated>(_ => Context.Stop(Self));
        Common();
    }

    // Discovery

    private void Discover(DiscoveryMachine machine)
    {
        Become(() => Discovering(machine));
        Continue(machine);
    }

    private void Discovering(DiscoveryMachine machine)
    {
        Receive<Received>(message =>
        {
            _end += message.Count;
            Continue(machine);
        });
        Receive<Sent>(_ => Continue(machine));
        Common();
    }

    private void Continue(DiscoveryMachine machine)
    {
        var result = machine.Receive(_buffer.AsSpan(_start, _end - _start));
        _start += result.Consumed;
        if (machine.TryPeekOutput(out var bytes))
        {
            var output = bytes.ToArray();
            machine.Advance(output.Length);
            Send(output, new Sent());
        }
        else if (machine.IsFinished)
        {
            if (machine.Fault is { } fault)
                _log.Warning("discovery from {Peer} ended: {Fault}", _peer.ToString(), fault.Reason.ToString());
            Context.Stop(Self);
        }
        else
        {
            Timers.StartSingleTimer(Timeout.Instance, Timeout.Instance, _settings.LoginTimeout);
            Fill();
        }
    }

    private sealed record Received(int Count);

    private sealed record Sent;

    // Comes after the actor has stopped, when its socket was closed: no news then.
    private sealed record PeerGone(string Reason) : IDeadLetterSuppression;

    private sealed record Timeout
    {
        public static readonly Timeout Instance = new();
    }
}
