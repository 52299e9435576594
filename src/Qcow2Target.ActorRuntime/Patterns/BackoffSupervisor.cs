namespace Qcow2Target.ActorRuntime;

/// <summary>
/// Keeps one child alive with growing pauses between its lives. Passes messages on to the child, and what the child tells it to its own parent.
/// </summary>
public sealed class BackoffSupervisor : ActorBase, IWithTimers
{
    private static readonly object RestartKey = new();
    private static readonly object ResetKey = new();

    private readonly BackoffSettings _settings;
    private IActorRef _child = ActorRefs.Nobody;
    private int _restarts;
    private bool _childFailed;
    private bool _finalMessageCame;

    internal BackoffSupervisor(BackoffSettings settings) => _settings = settings;

    public ITimerScheduler Timers { get; set; }

    public static Props Props(BackoffOptions options) => ActorRuntime.Props.Create(() => new BackoffSupervisor((BackoffSettings)options));

    protected override void PreStart() => StartChild();

    protected override SupervisorStrategy SupervisorStrategy() => _settings.Trigger == BackoffTrigger.Stop
        ? _settings.Strategy
        : new OneForOneStrategy(cause =>
        {
            Directive directive = _settings.Strategy.Decider.Decide(cause);
            if (directive != Directive.Restart) return directive;
            _childFailed = true;
            return Directive.Stop;
        });

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case Terminated terminated when terminated.ActorRef.Equals(_child):
                OnChildStopped();
                return true;
            case StartAgain:
                StartChild();
                return true;
            case ForgetRestarts forget:
                if (forget.Restarts == _restarts) _restarts = 0;
                return true;
            case Reset when _settings.AutoReset is null:
                _restarts = 0;
                return true;
            case Reset:
                return false;
            case GetCurrentChild:
                Sender.Tell(new CurrentChild(_child));
                return true;
            case GetRestartCount:
                Sender.Tell(new RestartCount(_restarts));
                return true;
            default:
                PassOn(message);
                return true;
        }
    }

    private void StartChild()
    {
        if (!_child.IsNobody()) return;
        _childFailed = false;
        _child = Context.Watch(Context.ActorOf(_settings.ChildProps, _settings.ChildName));
        if (_settings.AutoReset is { } reset) Timers.StartSingleTimer(ResetKey, new ForgetRestarts(_restarts), reset);
    }

    private void OnChildStopped()
    {
        _child = ActorRefs.Nobody;
        bool isToLiveAgain = _settings.Trigger == BackoffTrigger.Stop || _childFailed;
        if (!isToLiveAgain || _finalMessageCame || (_settings.Retries >= 0 && _restarts >= _settings.Retries))
        {
            Context.Stop(Self);
            return;
        }

        Timers.Cancel(ResetKey);
        Timers.StartSingleTimer(RestartKey, StartAgain.Instance, _settings.PauseAfter(_restarts++));
    }

    private void PassOn(object message)
    {
        if (Sender.Equals(_child))
        {
            Context.Parent.Forward(message);
            return;
        }

        bool isFinal = _settings.IsFinalStopMessage(message);
        _finalMessageCame |= isFinal;
        if (!_child.IsNobody()) _child.Forward(message);
        else if (isFinal) Context.Stop(Self);
        else if (_settings.ReplyWhileStopped is { } reply) Sender.Tell(reply);
        else Context.System.DeadLetters.Forward(message);
    }

    /// <summary>Asks for <see cref="CurrentChild"/>.</summary>
    public sealed class GetCurrentChild
    {
        public static readonly GetCurrentChild Instance = new();

        private GetCurrentChild()
        {
        }
    }

    public sealed class CurrentChild(IActorRef @ref)
    {
        /// <summary>Nobody while it is down.</summary>
        public IActorRef Ref { get; } = @ref;
    }

    /// <summary>Asks for <see cref="RestartCount"/>.</summary>
    public sealed class GetRestartCount
    {
        public static readonly GetRestartCount Instance = new();

        private GetRestartCount()
        {
        }
    }

    public sealed class RestartCount(int count)
    {
        public int Count { get; } = count;
    }

    /// <summary>Lets the pauses start over.</summary>
    public sealed class Reset
    {
        public static readonly Reset Instance = new();

        private Reset()
        {
        }
    }

    private sealed class StartAgain
    {
        public static readonly StartAgain Instance = new();
    }

    private sealed record ForgetRestarts(int Restarts);
}
