namespace Qcow2Target.ActorRuntime;

public interface ICanWatch
{
    /// <summary>Asks for one <see cref="Terminated"/> when the subject has stopped, at once if it is dead already.</summary>
    IActorRef Watch(IActorRef subject);

    /// <summary>As <see cref="Watch"/>, with a message of one's own in its place.</summary>
    IActorRef WatchWith(IActorRef subject, object message);

    /// <summary>After this no <see cref="Terminated"/> comes, not even one already queued.</summary>
    IActorRef Unwatch(IActorRef subject);
}
