namespace Qcow2Target.ActorRuntime;

/// <summary>The ref of no actor: swallows what it is told.</summary>
public sealed class Nobody : InternalActorRef
{
    internal static readonly Nobody Instance = new();

    private Nobody()
    {
    }

    public override ActorPath Path { get; } = ActorPath.Root("all-systems").Child("Nobody", 0);

    internal override LocalActorSystem System => null;

    internal override bool IsTerminated => false;

    internal override void TellInternal(object message, IActorRef sender)
    {
    }

    internal override void SendSystemMessage(SystemMessage message)
    {
    }
}
