namespace Qcow2Target.ActorRuntime;

/// <summary>Restarts or stops all children when one fails. Null or -1 retries: no limit.</summary>
public class AllForOneStrategy : SupervisorStrategy
{
    public AllForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange, Func<Exception, Directive> localOnlyDecider)
        : this(maxNrOfRetries, withinTimeRange, new FunctionDecider(localOnlyDecider))
    {
    }

    public AllForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange, IDecider decider)
        : base(maxNrOfRetries ?? -1, MillisecondsOf(withinTimeRange), decider, loggingEnabled: true)
    {
    }

    public AllForOneStrategy(int maxNrOfRetries, int withinTimeMilliseconds, Func<Exception, Directive> localOnlyDecider, bool loggingEnabled = true)
        : base(maxNrOfRetries, withinTimeMilliseconds, new FunctionDecider(localOnlyDecider), loggingEnabled)
    {
    }

    public AllForOneStrategy(Func<Exception, Directive> localOnlyDecider)
        : this(new FunctionDecider(localOnlyDecider))
    {
    }

    public AllForOneStrategy(IDecider decider)
        : base(-1, Timeout.Infinite, decider, loggingEnabled: true)
    {
    }

    private protected override void Restart(ActorCell supervisor, ChildStats failed, Exception cause)
    {
        ChildStats[] all = supervisor.Children.Snapshot();
        if (!all.All(stats => stats.RequestRestart(MaxRetries, WindowMilliseconds)))
        {
            Stop(supervisor, failed);
            return;
        }

        foreach (ChildStats stats in all)
        {
            if (stats != failed) stats.Child.Suspend();     // the failed one is suspended already
            stats.Child.Restart(cause);
        }
    }

    private protected override void Stop(ActorCell supervisor, ChildStats failed)
    {
        foreach (ChildStats stats in supervisor.Children.Snapshot()) supervisor.Stop(stats.Child);
    }
}
