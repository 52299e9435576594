namespace Qcow2Target.ActorRuntime;

/// <summary>A running timer of an actor; it is also what the mailbox holds when it fires, so that a cancelled one is known at its turn.</summary>
internal sealed class TimerMessage(object key, object message, TimerKind kind) : IDeadLetterSuppression
{
    public object Key { get; } = key;

    public object Message { get; } = message;

    public TimerKind Kind { get; } = kind;

    public ScheduledAction Schedule { get; set; }
}
