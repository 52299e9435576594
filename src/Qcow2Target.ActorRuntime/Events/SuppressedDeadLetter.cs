namespace Qcow2Target.ActorRuntime;

/// <summary>As <see cref="DeadLetter"/>, of a message marked <see cref="IDeadLetterSuppression"/>; never logged.</summary>
public sealed class SuppressedDeadLetter(object message, IActorRef sender, IActorRef recipient) : AllDeadLetters(message, sender, recipient);
