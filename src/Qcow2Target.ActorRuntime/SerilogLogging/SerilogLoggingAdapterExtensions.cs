namespace Qcow2Target.ActorRuntime;

public static class SerilogLoggingAdapterExtensions
{
    private static readonly SerilogLogMessageFormatter Formatter = new();

    /// <summary>For <see cref="SerilogLoggingAdapter"/>.</summary>
    public static ILoggingAdapter GetLogger<T>(this IActorContext context)
        where T : class, ILoggingAdapter
    {
        if (typeof(T) != typeof(SerilogLoggingAdapter)) throw new ArgumentException($"{typeof(T)} is no {nameof(SerilogLoggingAdapter)}.");
        return new SerilogLoggingAdapter((LoggingAdapterBase)context.GetLogger(Formatter), []);
    }

    /// <summary>A new adapter that also adds this property; no effect on adapters of other kinds.</summary>
    public static ILoggingAdapter ForContext(this ILoggingAdapter adapter, string propertyName, object value, bool destructureObjects = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(propertyName);
        return adapter is SerilogLoggingAdapter serilog
            ? new SerilogLoggingAdapter(serilog, [.. serilog.Properties, new LogProperty(propertyName, value, destructureObjects)])
            : adapter;
    }
}
