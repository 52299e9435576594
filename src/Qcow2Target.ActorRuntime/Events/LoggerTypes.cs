using System.Collections.Concurrent;

namespace Qcow2Target.ActorRuntime;

/// <summary>Turns the type names of the configuration into the types of this runtime.</summary>
internal static class LoggerTypes
{
    private static readonly ConcurrentDictionary<string, Type> Known = new()
    {
        ["Akka.Event.DefaultLogger, Akka"] = typeof(DefaultLogger),
        ["Akka.Event.DefaultLogger"] = typeof(DefaultLogger),
        ["Akka.Logger.Serilog.SerilogLogger, Akka.Logger.Serilog"] = typeof(SerilogLogger),
        ["Akka.Event.DefaultLogMessageFormatter, Akka"] = typeof(DefaultLogMessageFormatter),
        ["Akka.Logger.Serilog.SerilogLogMessageFormatter, Akka.Logger.Serilog"] = typeof(SerilogLogMessageFormatter),
    };

    public static void Register(string name, Type type) => Known[name] = type;

    /// <exception cref="ConfigurationException">No such type, or not of the kind asked for.</exception>
    public static Type Find(string name, Type kind)
    {
        Type type = Known.GetValueOrDefault(name) ?? Type.GetType(name);
        return type is not null && kind.IsAssignableFrom(type)
            ? type
            : throw new ConfigurationException($"[{name}] names no {kind.Name} that this runtime knows.");
    }
}
