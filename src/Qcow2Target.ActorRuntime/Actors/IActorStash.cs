namespace Qcow2Target.ActorRuntime;

/// <summary>What both kinds of actors with a stash share.</summary>
public interface IActorStash
{
    IStash Stash { get; set; }
}
