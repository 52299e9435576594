namespace Qcow2Target.ActorRuntime;

public class Info : LogEvent
{
    public Info(Exception cause, string logSource, Type logClass, object message)
        : base(cause, logSource, logClass, message)
    {
    }

    public Info(string logSource, Type logClass, object message)
        : this(null, logSource, logClass, message)
    {
    }

    public override LogLevel LogLevel() => ActorRuntime.LogLevel.InfoLevel;
}
