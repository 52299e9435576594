namespace Qcow2Target.ActorRuntime;

internal enum BehaviourChange
{
    Replace,
    Push,
}
