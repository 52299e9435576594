namespace Qcow2Target.ActorRuntime;

/// <summary>The ref of an actor of this process.</summary>
internal sealed class LocalActorRef : InternalActorRef
{
    private readonly ActorCell _cell;

    public LocalActorRef(ActorCell cell, ActorPath path)
    {
        _cell = cell;
        Path = path;
    }

    public override ActorPath Path { get; }

    internal ActorCell Cell => _cell;

    internal override LocalActorSystem System => _cell.System;

    internal override bool IsTerminated => _cell.Mailbox.IsClosed;

    internal void Start() => _cell.Mailbox.EnqueueSystem(new Create());

    internal override void TellInternal(object message, IActorRef sender) => _cell.Mailbox.Enqueue(message, sender);

    internal override void SendSystemMessage(SystemMessage message) => _cell.Mailbox.EnqueueSystem(message);
}
