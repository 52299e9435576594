namespace Qcow2Target.ActorRuntime;

/// <summary>
/// The ref behind a question: takes one message, or the end of an actor it watches, as the result of a task. What comes later is a dead letter.
/// </summary>
internal sealed class PromiseRef : InternalActorRef
{
    // Asynchronous continuations: a waiter's code must not run on the turn of the actor that answers.
    private readonly TaskCompletionSource<object> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PromiseRef(LocalActorSystem system)
    {
        System = system;
        Path = system.NextTemporaryPath();
    }

    public override ActorPath Path { get; }

    public Task<object> Result => _result.Task;

    internal override LocalActorSystem System { get; }

    internal override bool IsTerminated => _result.Task.IsCompleted;

    public bool TrySetException(Exception exception) => _result.TrySetException(exception);

    public bool TrySetCanceled(CancellationToken token) => _result.TrySetCanceled(token);

    internal override void TellInternal(object message, IActorRef sender)
    {
        if (!_result.TrySetResult(message)) System.ToDeadLetters(message, sender, this);
    }

    internal override void SendSystemMessage(SystemMessage message)
    {
        switch (message)
        {
            case DeathWatchNotification notification:
                _result.TrySetResult(new Terminated(notification.Actor, notification.ExistenceConfirmed));
                break;
            case Watch watch:
                // The question has no end of its own worth waiting for.
                watch.Watcher.SendSystemMessage(new DeathWatchNotification(this, existenceConfirmed: false));
                break;
        }
    }
}
