using Qcow2Target.Actors.Peers;
using Qcow2Target.Actors.Targets;
using Qcow2Target.Iscsi.Sessions;

namespace Qcow2Target.Actors.Sessions;

/// <summary>
/// One iSCSI session: task management, logout, keepalive, and its end. Its bytes run beside it in <see cref="SessionIo"/>.
/// <code>
/// Serving → LoggingOut → Ending → Leaving        Serving → Ending → Leaving
/// </code>
/// </summary>
public sealed class SessionActor : ReceiveActor, IWithTimers
{
    private readonly ushort _tsih;
    private readonly SessionIo _io;
    private readonly TargetSettings _settings;
    private readonly SessionFences _fences;
    private readonly PeerLog _peers;
    private Responsiveness _responsiveness = Responsiveness.Responsive;
    private readonly ILoggingAdapter _log = Context.GetLogger();

    public SessionActor(ushort tsih, SessionIo io, SessionFences fences, TargetSettings settings, PeerLog peers)
    {
        _peers = peers;
        _tsih = tsih;
        _io = io;
        _fences = fences;
        _settings = settings;
        Serving();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props PropsFor(ushort tsih, SessionIo io, SessionFences fences, TargetSettings settings, PeerLog peers) =>
        Props.Create(() => new SessionActor(tsih, io, fences, settings, peers));

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(PingTick.Instance, PingTick.Instance, _settings.PingInterval);
        _io.Start(new Owner(Self));
    }

    protected override void PostStop() => _io.Close("its actor has stopped");

    // A session is never restarted: its connection is gone, and the initiator logs in again.
    protected override void PostRestart(Exception reason) => Context.Stop(Self);

    private void Serving()
    {
        Receive<LogoutAsked>(message =>
        {
            message.Request.Quiet.WaitAsync(_settings.AbortPatience)
                .PipeTo(Self, Self, success: () => new TasksQuiet(true), failure: _ => new TasksQuiet(false));
            Become(() => LoggingOut(message.Request));
        });
        Receive<PingTick>(_ => Ping());
        Receive<EndSession>(message =>
        {
            _io.AskForLogout(ActorLimits.LogoutPatience);
            Timers.StartSingleTimer(LogoutOverdue.Key, new LogoutOverdue(message.Reason), ActorLimits.LogoutPatience);
        }, message => message.Ending == SessionEnding.AskForLogout);
        Common();
    }

    /// <summary>The nexus leaves the lists when its tasks have ended and before the initiator is told: scripts wait for that and clear at once.</summary>
    private void LoggingOut(LogoutRequest request)
    {
        Receive<TasksQuiet>(message =>
        {
            if (!message.IsQuiet)
                _fences.RaiseWhereWriting(_io);
            Context.Parent.Tell(new NexusEnded(_tsih));
        });
        Receive<NexusRemoved>(_ =>
        {
            request.Respond(LogoutResponseCode.Success);
            Become(() => Ending(nexusIsRemoved: true));
        });
        Receive<PingTick>(_ => { });
        Common();
    }

    private void Common()
    {
        Receive<ManageAsked>(message => Manage(message.Request));
        Receive<FunctionDone>(message => message.Request.Respond(message.Response));
        Receive<EndSession>(message => EndAtOnce(message.Reason));
        Receive<LogoutOverdue>(message => EndAtOnce(message.Reason));
        Receive<ConnectionOver>(_ => AwaitQuiet());
        Receive<ExecutorFault>(fault => _log.Error(fault.Cause, "session {Tsih} of {Initiator}: internal fault", _tsih, _io.Identity.Initiator));
        Receive<NexusRemoved>(_ => { });
    }

    private void EndAtOnce(string reason)
    {
        _io.Close(reason);
        AwaitQuiet();
    }

    private void AwaitQuiet()
    {
        _io.Completion.WaitAsync(_settings.AbortPatience)
            .PipeTo(Self, Self, success: () => new IoQuiet(true), failure: _ => new IoQuiet(false));
        Become(() => Ending(nexusIsRemoved: false));
    }

    private void Ending(bool nexusIsRemoved)
    {
        Receive<IoQuiet>(message =>
        {
            if (!message.IsQuiet)
                _fences.RaiseWhereWriting(_io);
            Context.Parent.Tell(new NexusEnded(_tsih));
        });
        Receive<ConnectionOver>(_ =>
        {
            _io.Completion.WaitAsync(_settings.AbortPatience)
                .PipeTo(Self, Self, success: () => new IoQuiet(true), failure: _ => new IoQuiet(false));
        }, _ => nexusIsRemoved);
        Receive<NexusRemoved>(_ =>
        {
            var who = $"{_io.Identity.Initiator} had session {_tsih}, {_io.EndReason ?? "ended"}";
            if (_io.Fault is { } fault)
                _peers.Refused($"was cut off by {fault.Reason}", _io.Identity.Peer, who);
            else
                _peers.Session("left its session", _io.Identity.Peer, who);
            Context.Stop(Self);
        });
        Receive<EndSession>(message => _io.Close(message.Reason));
        Receive<LogoutOverdue>(message => _io.Close(message.Reason));
        Receive<ConnectionOver>(_ => { });
        Receive<PingTick>(_ => { });
        Receive<TasksQuiet>(_ => { });
        Receive<LogoutAsked>(message => message.Request.Respond(LogoutResponseCode.Success));
        Common();
    }

    private void Ping()
    {
        if (_io.Responsiveness != _responsiveness)
        {
            _responsiveness = _io.Responsiveness;
            Context.Parent.Tell(new NexusAnswers(_tsih, _responsiveness));
        }
        if (_io.Silence >= _settings.PingInterval)
            _io.SendPing();
    }

    private void Manage(TaskManagementRequest request)
    {
        switch (request.Function)
        {
            case TaskManagementFunction.AbortTask:
                var one = _io.Abort(TaskFilter.ByTag(request.ReferencedTaskTag).Before(request.CmdSn));
                if (one.Count == 0)
                    request.Respond(TaskManagementResponse.TaskDoesNotExist);
                else
                    RespondWhenQuiet(request, one.Quiet);
                break;
            case TaskManagementFunction.AbortTaskSet when _fences.Exists(request.Lun):
                RespondWhenQuiet(request, _io.AbortLun(request.Lun, request.CmdSn).Quiet);
                break;
            case TaskManagementFunction.ClearTaskSet or TaskManagementFunction.LogicalUnitReset when _fences.Exists(request.Lun):
                Context.Parent.Tell(new ResetLuns(request, request.Lun, _tsih));
                break;
            case TaskManagementFunction.AbortTaskSet or TaskManagementFunction.ClearTaskSet or TaskManagementFunction.LogicalUnitReset:
                request.Respond(TaskManagementResponse.LunDoesNotExist);
                break;
            case TaskManagementFunction.TargetWarmReset or TaskManagementFunction.TargetColdReset:
                Context.Parent.Tell(new ResetLuns(request, null, _tsih));
                break;
            case TaskManagementFunction.TaskReassign:
                request.Respond(TaskManagementResponse.ReassignmentNotSupported);
                break;
            default:
                request.Respond(TaskManagementResponse.NotSupported);
                break;
        }
    }

    /// <summary>A write that the kernel already has cannot be recalled: it is waited for, and past the limit its LUN takes no write until it is back.</summary>
    private void RespondWhenQuiet(TaskManagementRequest request, Task quiet)
    {
        quiet.WaitAsync(_settings.AbortPatience).PipeTo(Self, Self,
            success: () => new FunctionDone(request, TaskManagementResponse.Complete),
            failure: _ =>
            {
                _fences.Raise(request.Lun, quiet);
                return new FunctionDone(request, TaskManagementResponse.Rejected);
            });
    }

    /// <summary>Brings what the connection's thread says into the mailbox.</summary>
    private sealed class Owner(IActorRef self) : ISessionOwner
    {
        public void LogoutRequested(LogoutRequest request) => self.Tell(new LogoutAsked(request), ActorRefs.NoSender);

        public void TaskManagementRequested(TaskManagementRequest request) => self.Tell(new ManageAsked(request), ActorRefs.NoSender);

        public void ExecutorFailed(Exception cause) => self.Tell(new ExecutorFault(cause), ActorRefs.NoSender);

        public void ConnectionEnded() => self.Tell(new ConnectionOver(), ActorRefs.NoSender);
    }

    private sealed record LogoutAsked(LogoutRequest Request);

    private sealed record ManageAsked(TaskManagementRequest Request);

    private sealed record FunctionDone(TaskManagementRequest Request, TaskManagementResponse Response);

    private sealed record ExecutorFault(Exception Cause);

    private sealed record ConnectionOver;

    private sealed record TasksQuiet(bool IsQuiet);

    private sealed record IoQuiet(bool IsQuiet);

    private sealed record LogoutOverdue(string Reason)
    {
        public static readonly object Key = typeof(LogoutOverdue);
    }

    private sealed record PingTick
    {
        public static readonly PingTick Instance = new();
    }
}
