namespace Qcow2Target.ActorRuntime;

/// <summary>What an actor dies of when it is sent <see cref="Kill"/>.</summary>
public class ActorKilledException : AkkaException
{
    public ActorKilledException(string message)
        : base(message)
    {
    }
}
