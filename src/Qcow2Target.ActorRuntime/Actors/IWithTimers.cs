namespace Qcow2Target.ActorRuntime;

/// <summary>An actor with timers; set before its constructor body runs.</summary>
public interface IWithTimers
{
    ITimerScheduler Timers { get; set; }
}
