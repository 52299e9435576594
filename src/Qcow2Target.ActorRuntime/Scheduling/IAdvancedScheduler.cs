namespace Qcow2Target.ActorRuntime;

/// <summary>Runs actions later, off any actor.</summary>
public interface IAdvancedScheduler
{
    void ScheduleOnce(TimeSpan delay, Action action);

    void ScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable);
}
