namespace Qcow2Target.ActorRuntime;

/// <summary>Where messages to stopped actors go: on to the event stream.</summary>
internal sealed class DeadLetterRef : InternalActorRef
{
    public DeadLetterRef(LocalActorSystem system, ActorPath path)
    {
        System = system;
        Path = path;
    }

    public override ActorPath Path { get; }

    internal override LocalActorSystem System { get; }

    internal override bool IsTerminated => false;

    internal override void TellInternal(object message, IActorRef sender)
    {
        if (message is AllDeadLetters) System.EventStream.Publish(message);
        else System.ToDeadLetters(message, sender, this);
    }

    internal override void SendSystemMessage(SystemMessage message)
    {
        if (message is Watch watch) watch.Watcher.SendSystemMessage(new DeathWatchNotification(this, existenceConfirmed: false));
    }
}
