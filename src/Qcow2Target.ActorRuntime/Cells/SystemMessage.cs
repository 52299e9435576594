namespace Qcow2Target.ActorRuntime;

/// <summary>What refs tell each other about the life of actors. Handled before any user message, also while these are held back.</summary>
internal abstract class SystemMessage
{
}

/// <summary>The first message of a mailbox: build the actor.</summary>
internal sealed class Create : SystemMessage
{
}

/// <summary>The supervisor's answer to a failure: a new instance.</summary>
internal sealed class Recreate(Exception cause) : SystemMessage
{
    public Exception Cause { get; } = cause;
}

/// <summary>The supervisor itself has failed: hold user messages back until its own supervisor has decided.</summary>
internal sealed class Suspend : SystemMessage
{
}

/// <summary>Undoes one suspension; with a cause it is the supervisor's answer to that failure.</summary>
internal sealed class Resume(Exception causedByFailure) : SystemMessage
{
    public Exception CausedByFailure { get; } = causedByFailure;
}

internal sealed class Terminate : SystemMessage
{
}

internal sealed class Watch(InternalActorRef watcher) : SystemMessage
{
    public InternalActorRef Watcher { get; } = watcher;
}

internal sealed class Unwatch(InternalActorRef watcher) : SystemMessage
{
    public InternalActorRef Watcher { get; } = watcher;
}

/// <summary>To a watcher: the actor has stopped.</summary>
internal sealed class DeathWatchNotification(InternalActorRef actor, bool existenceConfirmed) : SystemMessage
{
    public InternalActorRef Actor { get; } = actor;

    public bool ExistenceConfirmed { get; } = existenceConfirmed;
}

/// <summary>To the parent: the child has stopped and its name is free.</summary>
internal sealed class ChildTerminated(InternalActorRef child) : SystemMessage
{
    public InternalActorRef Child { get; } = child;
}

/// <summary>To the parent: the child has failed, holds its user messages back and waits for a decision.</summary>
internal sealed class Failed(InternalActorRef child, Exception cause) : SystemMessage
{
    public InternalActorRef Child { get; } = child;

    public Exception Cause { get; } = cause;
}

/// <summary>A continuation of an asynchronous handler.</summary>
internal sealed class RunContinuation(ActorTaskScheduler scheduler, Task task) : SystemMessage
{
    public ActorTaskScheduler Scheduler { get; } = scheduler;

    public Task Task { get; } = task;
}

/// <summary>The task of an asynchronous handler has ended.</summary>
internal sealed class HandlerCompleted(Task task) : SystemMessage
{
    public Task Task { get; } = task;
}
