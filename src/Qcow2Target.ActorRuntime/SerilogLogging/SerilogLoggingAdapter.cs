namespace Qcow2Target.ActorRuntime;

/// <summary>An adapter that adds properties to its messages, see <see cref="SerilogLoggingAdapterExtensions.ForContext"/>.</summary>
public class SerilogLoggingAdapter : LoggingAdapterBase
{
    internal SerilogLoggingAdapter(LoggingAdapterBase origin, IReadOnlyList<LogProperty> properties)
        : base(origin.Bus, origin.LogSource, origin.LogClass, origin.Formatter) => Properties = properties;

    internal override IReadOnlyList<LogProperty> Properties { get; }
}
