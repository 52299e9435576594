namespace Qcow2Target.ActorRuntime;

/// <summary>What a supervisor does about the failures of its children. Failures are logged with the child's path.</summary>
public abstract class SupervisorStrategy
{
    /// <summary>Stop for what fails at birth, by <see cref="Kill"/> or a death pact; restart for all else.</summary>
    public static IDecider DefaultDecider = new FunctionDecider(cause =>
        cause is ActorInitializationException or ActorKilledException or DeathPactException ? Directive.Stop : Directive.Restart);

    public static readonly SupervisorStrategy DefaultStrategy = new OneForOneStrategy(DefaultDecider);

    public static readonly OneForOneStrategy StoppingStrategy = new(_ => Directive.Stop);

    private readonly int _maxRetries;
    private readonly int _windowMilliseconds;
    private readonly bool _loggingEnabled;

    private protected SupervisorStrategy(int maxRetries, int windowMilliseconds, IDecider decider, bool loggingEnabled)
    {
        ArgumentNullException.ThrowIfNull(decider);
        _maxRetries = maxRetries;
        _windowMilliseconds = windowMilliseconds;
        _loggingEnabled = loggingEnabled;
        Decider = decider;
    }

    public IDecider Decider { get; }

    private protected int MaxRetries => _maxRetries;

    private protected int WindowMilliseconds => _windowMilliseconds;

    private protected static int MillisecondsOf(TimeSpan? window) =>
        window is { } value ? (int)Math.Min(value.TotalMilliseconds, int.MaxValue) : Timeout.Infinite;

    /// <summary>Decides and acts. False: escalate.</summary>
    internal bool HandleFailure(ActorCell supervisor, ChildStats failed, Exception cause)
    {
        Directive directive = Decider.Decide(cause);
        switch (directive)
        {
            case Directive.Escalate:
                return false;
            case Directive.Resume:
                Log(supervisor, failed, cause, directive);
                failed.Child.Resume(cause);
                return true;
            case Directive.Restart:
                Log(supervisor, failed, cause, directive);
                Restart(supervisor, failed, cause);
                return true;
            default:
                Log(supervisor, failed, cause, directive);
                Stop(supervisor, failed);
                return true;
        }
    }

    private protected abstract void Restart(ActorCell supervisor, ChildStats failed, Exception cause);

    private protected abstract void Stop(ActorCell supervisor, ChildStats failed);

    private void Log(ActorCell supervisor, ChildStats failed, Exception cause, Directive directive)
    {
        if (!_loggingEnabled) return;
        string source = failed.Child.Path.ToString(), message = (cause as ActorInitializationException)?.InnerException?.Message ?? cause.Message;
        Type type = supervisor.Actor?.GetType() ?? typeof(SupervisorStrategy);
        supervisor.System.EventStream.Publish(directive == Directive.Resume
            ? new Warning(cause, source, type, message)
            : new Error(cause, source, type, message));
    }
}
