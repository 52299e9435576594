namespace Qcow2Target.ActorRuntime;

/// <summary>The recipient has stopped.</summary>
public sealed class DeadLetter(object message, IActorRef sender, IActorRef recipient) : AllDeadLetters(message, sender, recipient);
