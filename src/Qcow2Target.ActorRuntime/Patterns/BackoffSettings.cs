namespace Qcow2Target.ActorRuntime;

internal sealed class BackoffSettings : BackoffOptions
{
    public BackoffSettings(
        BackoffTrigger trigger, Props childProps, string childName, TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor, int maxNrOfRetries)
    {
        ArgumentNullException.ThrowIfNull(childProps);
        ArgumentException.ThrowIfNullOrEmpty(childName);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(minBackoff, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBackoff, minBackoff);
        if (randomFactor is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(randomFactor), randomFactor, "is between 0 and 1");
        Trigger = trigger;
        ChildProps = childProps;
        ChildName = childName;
        MinBackoff = minBackoff;
        MaxBackoff = maxBackoff;
        RandomFactor = randomFactor;
        Retries = maxNrOfRetries;
        AutoReset = minBackoff;
    }

    private BackoffSettings(BackoffSettings other)
        : this(other.Trigger, other.ChildProps, other.ChildName, other.MinBackoff, other.MaxBackoff, other.RandomFactor, other.Retries)
    {
        AutoReset = other.AutoReset;
        Strategy = other.Strategy;
        ReplyWhileStopped = other.ReplyWhileStopped;
        IsFinalStopMessage = other.IsFinalStopMessage;
    }

    public BackoffTrigger Trigger { get; }

    public Props ChildProps { get; }

    public string ChildName { get; }

    public TimeSpan MinBackoff { get; }

    public TimeSpan MaxBackoff { get; }

    public double RandomFactor { get; }

    public int Retries { get; private init; }

    /// <summary>Null: by hand.</summary>
    public TimeSpan? AutoReset { get; private init; }

    public OneForOneStrategy Strategy { get; private init; } = new(SupervisorStrategy.DefaultDecider);

    public object ReplyWhileStopped { get; private init; }

    public Func<object, bool> IsFinalStopMessage { get; private init; } = _ => false;

    public override BackoffOptions WithAutoReset(TimeSpan resetBackoff) => new BackoffSettings(this) { AutoReset = resetBackoff };

    public override BackoffOptions WithManualReset() => new BackoffSettings(this) { AutoReset = null };

    public override BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy)
    {
        ArgumentNullException.ThrowIfNull(supervisorStrategy);
        return new BackoffSettings(this) { Strategy = supervisorStrategy };
    }

    public override BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries) => new BackoffSettings(this) { Retries = maxNrOfRetries };

    public override BackoffOptions WithReplyWhileStopped(object replyWhileStopped) => new BackoffSettings(this) { ReplyWhileStopped = replyWhileStopped };

    public override BackoffOptions WithFinalStopMessage(Func<object, bool> isFinalStopMessage)
    {
        ArgumentNullException.ThrowIfNull(isFinalStopMessage);
        return new BackoffSettings(this) { IsFinalStopMessage = isFinalStopMessage };
    }

    /// <summary>The pause after that many starts in a row.</summary>
    public TimeSpan PauseAfter(int restarts)
    {
        double doubled = MinBackoff.TotalMilliseconds * Math.Pow(2, Math.Min(restarts, 60));
        double bounded = Math.Min(doubled, MaxBackoff.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(bounded * (1 + (Random.Shared.NextDouble() * RandomFactor)));
    }
}
