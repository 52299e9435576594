namespace Qcow2Target.ActorRuntime;

/// <summary>Writes log events to the standard output.</summary>
public class DefaultLogger : ActorBase
{
    protected override bool Receive(object message)
    {
        if (message is not LogEvent logEvent) return false;
        Console.Out.WriteLine(logEvent);
        return true;
    }
}
