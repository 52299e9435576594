using System.Net;
using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Sessions;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi;
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
    private readonly LoginSocket _socket;
    private readonly PortalSettings _settings;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly LoginMachine _machine;
    private readonly IPEndPoint _peer;
    private byte[] _buffer = new byte[PeerLimits.FirstBufferBytes];
    private int _start;
    private int _end;
    private LoginProgress _progress;
    private IActorRef? _target;
    private LoginIdentity? _identity;
    private string? _chapUser;

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
        Negotiating();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    internal static Props PropsFor(LoginSocket socket, PortalSettings settings) => Props.Create(() => new LoginActor(socket, settings));

    protected override void PreStart()
    {
        Timers.StartSingleTimer(Timeout.Instance, Timeout.Instance, _settings.LoginTimeout);
        Fill();
    }

    protected override void PostStop() => _socket.Dispose();

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
        Receive<Timeout>(_ => End("was too slow", $"{Describe(_progress)} took longer than {_settings.LoginTimeout.TotalSeconds:0.###} s"));
        Receive<MakeRoom>(_ => End("made room for others", $"{Describe(_progress)} stood longest in a full room"));
    }

    private void End(string kind, string reason)
    {
        _settings.Peers.Refused(kind, _peer, reason);
        Context.Stop(Self);
    }

    private static string Describe(LoginProgress progress) => progress switch
    {
        LoginProgress.Arriving => "a Login Request",
        LoginProgress.Negotiating => "a login",
        _ => "a discovery session",
    };

    private void Progress(LoginProgress progress)
    {
        if (_progress == progress)
            return;
        _progress = progress;
        Context.Parent.Tell(new LoginAdvanced(progress));
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
                Progress(LoginProgress.Negotiating);
                Send(send.Bytes);
                break;
            case LoginStep.NeedAdmission need:
                Progress(LoginProgress.Negotiating);
                SeekAdmission(need.Request);
                break;
            case LoginStep.Established established:
                Become(() => Establishing(established.Parameters));
                Send(established.Bytes);
                break;
            case LoginStep.SendAndClose close:
                _settings.Peers.Refused($"was refused with {close.Reason}", _peer, close.Explanation);
                Become(Refusing);
                Send(close.Bytes);
                break;
        }
    }

    // The buffer grows when a PDU does not fit.
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
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, Math.Min(_buffer.Length * 4, IscsiLimits.LoginBufferBytes));
        _socket.ReceiveAsync(_buffer.AsMemory(_end)).PipeTo(Self, Self,
            success: count => count > 0 ? new Received(count) : new PeerGone("it closed the connection"),
            failure: e => new PeerGone(e.Message));
    }

    private void Send(ReadOnlyMemory<byte> bytes) =>
        _socket.SendAsync(bytes).PipeTo(Self, Self, success: () => new Sent(bytes.Length), failure: e => new PeerGone(e.Message));

    private void Refusing()
    {
        Receive<Sent>(_ => Context.Stop(Self));
        Common();
    }

    // Admission

    private void SeekAdmission(AdmissionRequest request)
    {
        _chapUser = request.ChapUser;
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
                Progress(LoginProgress.Discovering);
                Discover(new DiscoveryMachine(parameters, Directory()));
                return;
            }
            // The message takes the connection along: whoever it comes to begins a session with it or closes it.
            var unread = _buffer.AsSpan(_start, _end - _start).ToArray();
            var connection = new EstablishedConnection(_socket.Release(), parameters, unread, _peer.ToString(), Directory());
            _target!.Tell(new BeginSession(_identity!, parameters.Tsih, connection));
            Become(() => HandingOver(connection));
        });
        Receive<Terminated>(_ => Context.Stop(Self));
        Common();
    }

    private void HandingOver(EstablishedConnection connection)
    {
        Receive<SessionBegun>(_ => Context.Stop(Self));
        Receive<SessionNotBegun>(_ => Context.Stop(Self));
        Receive<Terminated>(_ =>
        {
            connection.Dispose();
            Context.Stop(Self);
        });
        Receive<Timeout>(_ => { });    // the connection is not ours any more
        Receive<MakeRoom>(_ => { });
    }

    private ConnectionDirectory Directory() =>
        new(_settings.Board, _peer.Address, _chapUser, PortalAddresses.For(_socket.Local, _settings.Portals.Select(portal => portal.EndPoint), _settings.PortalGroupTag));

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
        Receive<Sent>(message =>
        {
            machine.Advance(message.Count);
            Continue(machine);
        });
        Common();
    }

    private void Continue(DiscoveryMachine machine)
    {
        var result = machine.Receive(_buffer.AsSpan(_start, _end - _start));
        _start += result.Consumed;
        if (machine.TryPeekOutput(out var bytes))
        {
            Send(bytes);
        }
        else if (machine.IsFinished)
        {
            if (machine.Fault is { } fault)
                _settings.Peers.Refused($"was cut off from discovery by {fault.Reason}", _peer, $"opcode 0x{fault.Opcode:x2}, value {fault.Value}");
            Context.Stop(Self);
        }
        else
        {
            Timers.StartSingleTimer(Timeout.Instance, Timeout.Instance, _settings.LoginTimeout);
            Fill();
        }
    }

    private sealed record Received(int Count);

    private sealed record Sent(int Count);

    // Comes after the actor has stopped, when its socket was closed: no news then.
    private sealed record PeerGone(string Reason) : IDeadLetterSuppression;

    private sealed record Timeout
    {
        public static readonly Timeout Instance = new();
    }
}
