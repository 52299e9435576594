namespace Qcow2Target.ActorTestKit;

internal enum WaitMode
{
    Blocking,
    Async,
}
