namespace Qcow2Target.ActorRuntime;

internal enum TimerKind
{
    Single,
    Periodic,
}
