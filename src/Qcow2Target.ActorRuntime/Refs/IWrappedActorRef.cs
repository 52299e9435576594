namespace Qcow2Target.ActorRuntime;

/// <summary>A ref that stands for another, as a test probe does for its actor.</summary>
internal interface IWrappedActorRef
{
    IActorRef Wrapped { get; }
}
