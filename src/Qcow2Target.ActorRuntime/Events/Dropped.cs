namespace Qcow2Target.ActorRuntime;

/// <summary>The message was turned away for the reason given.</summary>
public sealed class Dropped(object message, string reason, IActorRef sender, IActorRef recipient) : AllDeadLetters(message, sender, recipient)
{
    public string Reason { get; } = reason;
}
