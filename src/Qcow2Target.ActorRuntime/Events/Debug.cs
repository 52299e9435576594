namespace Qcow2Target.ActorRuntime;

public class Debug : LogEvent
{
    public Debug(Exception cause, string logSource, Type logClass, object message)
        : base(cause, logSource, logClass, message)
    {
    }

    public Debug(string logSource, Type logClass, object message)
        : this(null, logSource, logClass, message)
    {
    }

    public override LogLevel LogLevel() => ActorRuntime.LogLevel.DebugLevel;
}
