namespace Qcow2Target.ActorRuntime;

public static class ActorRefImplicitSenderExtensions
{
    /// <summary>Tells with the current actor as sender, or no sender outside actors.</summary>
    public static void Tell(this IActorRef receiver, object message) => receiver.Tell(message, ActorCell.CurrentSelfOrNoSender());

    /// <summary>Tells with the sender of the message in work as sender.</summary>
    public static void Forward(this IActorRef receiver, object message) => receiver.Tell(message, ActorCell.CurrentSenderOrNoSender());
}
