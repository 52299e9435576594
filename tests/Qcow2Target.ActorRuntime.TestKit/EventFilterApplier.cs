namespace Qcow2Target.ActorTestKit;

internal sealed class EventFilterApplier : IEventFilterApplier
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    private readonly TestKitCore _testKit;
    private readonly Predicate<object> _matches;

    public EventFilterApplier(TestKitCore testKit, Predicate<object> matches)
    {
        _testKit = testKit;
        _matches = matches;
    }

    public void ExpectOne(Action action, CancellationToken cancellationToken = default) => Expect(1, action, cancellationToken);

    public void ExpectOne(TimeSpan timeout, Action action, CancellationToken cancellationToken = default) => Expect(1, timeout, action, cancellationToken);

    public void Expect(int expectedCount, Action action, CancellationToken cancellationToken = default) =>
        Expect(expectedCount, _testKit.FilterLeeway, action, cancellationToken);

    public void Expect(int expectedCount, TimeSpan timeout, Action action, CancellationToken cancellationToken = default)
    {
        LogEventFilter filter = Begin();
        try
        {
            action();
            long end = End(timeout);
            while (filter.Count < expectedCount && Environment.TickCount64 < end)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Thread.Sleep(Interval);
            }

            Check(filter, expectedCount, timeout);
        }
        finally
        {
            Finish(filter);
        }
    }

    public Task ExpectOneAsync(Func<Task> actionAsync, CancellationToken cancellationToken = default) => ExpectAsync(1, actionAsync, cancellationToken);

    public Task ExpectOneAsync(TimeSpan timeout, Func<Task> action, CancellationToken cancellationToken = default) =>
        ExpectAsync(1, timeout, action, cancellationToken);

    public Task ExpectAsync(int expectedCount, Func<Task> actionAsync, CancellationToken cancellationToken = default) =>
        ExpectAsync(expectedCount, _testKit.FilterLeeway, actionAsync, cancellationToken);

    public async Task ExpectAsync(int expectedCount, TimeSpan timeout, Func<Task> action, CancellationToken cancellationToken = default)
    {
        LogEventFilter filter = Begin();
        try
        {
            await action();
            long end = End(timeout);
            while (filter.Count < expectedCount && Environment.TickCount64 < end) await Task.Delay(Interval, cancellationToken).ConfigureAwait(false);
            Check(filter, expectedCount, timeout);
        }
        finally
        {
            Finish(filter);
        }
    }

    public void Mute(Action action, CancellationToken cancellationToken = default) => action();

    private long End(TimeSpan timeout) => Environment.TickCount64 + (long)_testKit.Dilated(timeout).TotalMilliseconds;

    private static void Check(LogEventFilter filter, int expected, TimeSpan timeout)
    {
        if (filter.Count != expected) Assert.Fail($"Expected {expected} events within {timeout}, got {filter.Count}");
    }

    private LogEventFilter Begin()
    {
        var filter = new LogEventFilter(_matches);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Tell(new TestEventListener.ChangeFilter(filter, Adds: true, done));
        Assert.True(done.Task.Wait(_testKit.FilterLeeway), "No test listener among the loggers (akka.loggers)");
        return filter;
    }

    private void Finish(LogEventFilter filter) => Tell(new TestEventListener.ChangeFilter(filter, Adds: false, new TaskCompletionSource()));

    private void Tell(TestEventListener.ChangeFilter change)
    {
        foreach (IActorRef logger in ((LocalActorSystem)_testKit.Sys).Loggers) logger.Tell(change, ActorRefs.NoSender);
    }
}
