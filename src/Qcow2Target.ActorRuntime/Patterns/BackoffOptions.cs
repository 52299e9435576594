namespace Qcow2Target.ActorRuntime;

/// <summary>How a <see cref="BackoffSupervisor"/> behaves. Immutable.</summary>
public abstract class BackoffOptions
{
    private protected BackoffOptions()
    {
    }

    /// <summary>The pauses start over when the child has lived that long; by default <c>minBackoff</c>.</summary>
    public abstract BackoffOptions WithAutoReset(TimeSpan resetBackoff);

    /// <summary>The pauses start over when <see cref="BackoffSupervisor.Reset"/> comes.</summary>
    public abstract BackoffOptions WithManualReset();

    /// <summary>Decides about the child's failures; its number of retries counts.</summary>
    public abstract BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy);

    /// <summary>-1: no limit.</summary>
    public abstract BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries);

    /// <summary>Answers what comes while the child is down; without it that goes to the dead letters.</summary>
    public abstract BackoffOptions WithReplyWhileStopped(object replyWhileStopped);

    /// <summary>After such a message the child is not started anew.</summary>
    public abstract BackoffOptions WithFinalStopMessage(Func<object, bool> isFinalStopMessage);
}
