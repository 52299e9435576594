namespace Qcow2Target.ActorRuntime;

/// <summary>The plain adapter.</summary>
internal sealed class BusLogging : LoggingAdapterBase
{
    public BusLogging(EventStream bus, string logSource, Type logClass, ILogMessageFormatter formatter)
        : base(bus, logSource, logClass, formatter)
    {
    }
}
