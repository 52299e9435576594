namespace Qcow2Target.ActorRuntime;

public interface ILogMessageFormatter
{
    string Format(string format, params object[] args);
}
