namespace Qcow2Target.ActorRuntime;

public static class Logging
{
    /// <summary>An adapter whose source is the path of the actor.</summary>
    public static ILoggingAdapter GetLogger(this IActorContext context, ILogMessageFormatter logMessageFormatter = null)
    {
        var system = (LocalActorSystem)context.System;
        return new BusLogging(system.EventStream, context.Self.Path.ToString(), ClassOf(context), logMessageFormatter ?? system.LogFormatter);
    }

    /// <summary>An adapter whose source is the object given: a name, a type, a ref or anything with a type.</summary>
    public static ILoggingAdapter GetLogger(ActorSystem system, object logSourceObj, ILogMessageFormatter logMessageFormatter = null)
    {
        ArgumentNullException.ThrowIfNull(logSourceObj);
        (string source, Type type) = logSourceObj switch
        {
            IActorRef actor => (actor.Path.ToString(), typeof(IActorRef)),
            string name => (name, typeof(string)),
            Type named => (named.Name, named),
            _ => (logSourceObj.GetType().Name, logSourceObj.GetType()),
        };
        if (logSourceObj is not IActorRef) source = $"{source} (akka://{system.Name})";
        return new BusLogging(system.EventStream, source, type, logMessageFormatter ?? ((LocalActorSystem)system).LogFormatter);
    }

    internal static Type ClassOf(IActorContext context) => context.Props.Type;
}
