namespace Qcow2Target.ActorRuntime;

/// <summary>An actor with a stash; null in its constructor, set before <c>PreStart</c>.</summary>
public interface IWithStash : IActorStash
{
}
