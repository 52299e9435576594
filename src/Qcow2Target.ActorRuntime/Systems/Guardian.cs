namespace Qcow2Target.ActorRuntime;

/// <summary>The parent of top-level actors.</summary>
internal sealed class Guardian : ActorBase
{
    protected override bool Receive(object message) => false;
}
