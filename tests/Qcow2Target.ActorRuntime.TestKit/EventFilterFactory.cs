namespace Qcow2Target.ActorTestKit;

/// <summary>
/// Waits for log events by level, text and source, for exceptions and for dead letters. Needs the test listener among the loggers, as test systems
/// have it, and the level enabled.
/// </summary>
public class EventFilterFactory
{
    private readonly TestKitCore _testKit;

    internal EventFilterFactory(TestKitCore testKit) => _testKit = testKit;

    public IEventFilterApplier Debug(string message = null, string start = null, string contains = null, string source = null) =>
        Log<Debug>(message, start, contains, source);

    public IEventFilterApplier Info(string message = null, string start = null, string contains = null, string source = null) =>
        Log<Info>(message, start, contains, source);

    public IEventFilterApplier Warning(string message = null, string start = null, string contains = null, string source = null) =>
        Log<Warning>(message, start, contains, source);

    public IEventFilterApplier Error(string message = null, string start = null, string contains = null, string source = null) =>
        Log<Error>(message, start, contains, source);

    /// <summary>Errors of that cause; the text is that of the event or of the exception.</summary>
    public IEventFilterApplier Exception<TException>(string message = null, string start = null, string contains = null, string source = null)
        where TException : Exception
    {
        Predicate<string> text = Text(message, start, contains);
        return Make(published => published is Error { Cause: TException cause } error
            && (source is null || error.LogSource == source) && (text($"{error.Message}") || text(cause.Message)));
    }

    public IEventFilterApplier DeadLetter() => Make(published => published is DeadLetter);

    public IEventFilterApplier DeadLetter<TMessage>(string source = null) =>
        Make(published => published is DeadLetter { Message: TMessage } letter && (source is null || letter.Sender?.Path.ToString() == source));

    private static Predicate<string> Text(string message, string start, string contains) => text =>
        (message is null || text == message)
        && (start is null || text.StartsWith(start, StringComparison.Ordinal))
        && (contains is null || text.Contains(contains, StringComparison.Ordinal));

    private EventFilterApplier Log<TEvent>(string message, string start, string contains, string source)
        where TEvent : LogEvent
    {
        Predicate<string> text = Text(message, start, contains);
        return Make(published => published is TEvent logEvent && (source is null || logEvent.LogSource == source) && text($"{logEvent.Message}"));
    }

    private EventFilterApplier Make(Predicate<object> matches) => new(_testKit, matches);
}
