namespace Qcow2Target.ActorRuntime;

/// <summary>The recipient has no handler for it.</summary>
public sealed class UnhandledMessage(object message, IActorRef sender, IActorRef recipient) : AllDeadLetters(message, sender, recipient);
