namespace Qcow2Target.ActorRuntime;

/// <summary>The parent of the guardians: a failure that reaches it ends the system, and so does the end of <c>/user</c>.</summary>
internal sealed class RootRef : InternalActorRef
{
    public RootRef(LocalActorSystem system, ActorPath path)
    {
        System = system;
        Path = path;
    }

    public override ActorPath Path { get; }

    internal override LocalActorSystem System { get; }

    internal override bool IsTerminated => false;

    internal override void TellInternal(object message, IActorRef sender) => System.ToDeadLetters(message, sender, this);

    internal override void SendSystemMessage(SystemMessage message)
    {
        switch (message)
        {
            case Failed failed:
                System.EventStream.Publish(new Error(failed.Cause, failed.Child.Path.ToString(), typeof(RootRef), failed.Cause.Message));
                failed.Child.Stop();
                break;
            case ChildTerminated ended:
                System.OnGuardianTerminated(ended.Child);
                break;
            case Watch watch:
                watch.Watcher.SendSystemMessage(new DeathWatchNotification(this, existenceConfirmed: false));
                break;
        }
    }
}
