namespace Qcow2Target.ActorTestKit;

/// <summary>What a test expects of the messages its test actor receives. Failures are xunit's.</summary>
public abstract class TestKitBase : TestKitCore
{
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromMilliseconds(100);

    private protected TestKitBase(ActorSystem system, string testActorName)
        : base(system, testActorName)
    {
    }

    /// <summary>The next message; one of another type fails at once.</summary>
    public T ExpectMsg<T>(TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(duration, hint, (_, _) => { }, WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public ValueTask<T> ExpectMsgAsync<T>(TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(duration, hint, (_, _) => { }, WaitMode.Async, cancellationToken);

    public T ExpectMsg<T>(T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(timeout, hint, (actual, _) => Assert.Equal(message, actual), WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public ValueTask<T> ExpectMsgAsync<T>(T message, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(timeout, hint, (actual, _) => Assert.Equal(message, actual), WaitMode.Async, cancellationToken);

    public T ExpectMsg<T>(Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(timeout, hint, (actual, _) => Assert.True(isMessage(actual), $"{hint}: the predicate refuses {actual}"), WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public ValueTask<T> ExpectMsgAsync<T>(Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(timeout, hint, (actual, _) => Assert.True(isMessage(actual), $"{hint}: the predicate refuses {actual}"), WaitMode.Async, cancellationToken);

    public T ExpectMsg<T>(Action<T> assert, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(timeout, hint, (actual, _) => assert(actual), WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public ValueTask<T> ExpectMsgAsync<T>(Action<T> assert, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(timeout, hint, (actual, _) => assert(actual), WaitMode.Async, cancellationToken);

    public T ExpectMsgFrom<T>(IActorRef sender, TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(duration, hint, (_, actual) => Assert.Equal(sender, actual), WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public ValueTask<T> ExpectMsgFromAsync<T>(IActorRef sender, TimeSpan? duration = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<T>(duration, hint, (_, actual) => Assert.Equal(sender, actual), WaitMode.Async, cancellationToken);

    public Terminated ExpectTerminated(IActorRef target, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<Terminated>(timeout, hint, (actual, _) => Assert.Equal(target, actual.ActorRef), WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public ValueTask<Terminated> ExpectTerminatedAsync(IActorRef target, TimeSpan? timeout = null, string hint = null, CancellationToken cancellationToken = default) =>
        ExpectAsync<Terminated>(timeout, hint, (actual, _) => Assert.Equal(target, actual.ActorRef), WaitMode.Async, cancellationToken);

    /// <summary>Waits the whole time.</summary>
    public void ExpectNoMsg(TimeSpan duration, CancellationToken cancellationToken = default) =>
        ExpectNothingAsync(Dilated(duration), WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public ValueTask ExpectNoMsgAsync(TimeSpan duration, CancellationToken cancellationToken = default) =>
        ExpectNothingAsync(Dilated(duration), WaitMode.Async, cancellationToken);

    public void ExpectNoMsg(int milliseconds, CancellationToken cancellationToken = default) =>
        ExpectNothingAsync(Dilated(TimeSpan.FromMilliseconds(milliseconds)), WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public ValueTask ExpectNoMsgAsync(int milliseconds, CancellationToken cancellationToken = default) =>
        ExpectNothingAsync(Dilated(TimeSpan.FromMilliseconds(milliseconds)), WaitMode.Async, cancellationToken);

    /// <summary>The next message that fits; others are dropped.</summary>
    public T FishForMessage<T>(Predicate<T> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishAsync(isMessage, max, hint, WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public ValueTask<T> FishForMessageAsync<T>(Predicate<T> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishAsync(isMessage, max, hint, WaitMode.Async, cancellationToken);

    public object FishForMessage(Predicate<object> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishAsync(isMessage, max, hint, WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public ValueTask<object> FishForMessageAsync(Predicate<object> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishAsync(isMessage, max, hint, WaitMode.Async, cancellationToken);

    /// <summary>The next message, or null when none comes in time.</summary>
    public object ReceiveOne(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        ReceiveAsync(max, WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public ValueTask<object> ReceiveOneAsync(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        ReceiveAsync(max, WaitMode.Async, cancellationToken);

    /// <summary>Waits the whole default time.</summary>
    public void ExpectNoMsg(CancellationToken cancellationToken = default) =>
        ExpectNothingAsync(RemainingOrDefault, WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public ValueTask ExpectNoMsgAsync(CancellationToken cancellationToken = default) =>
        ExpectNothingAsync(RemainingOrDefault, WaitMode.Async, cancellationToken);

    /// <summary>Repeats the assertion until it holds or the time is up.</summary>
    public void AwaitAssert(Action assertion, TimeSpan? duration = null, TimeSpan? interval = null, CancellationToken cancellationToken = default) =>
        RetryAsync(AsTask(assertion), duration, interval, WaitMode.Blocking, cancellationToken).GetAwaiter().GetResult();

    public Task AwaitAssertAsync(Action assertion, TimeSpan? duration = null, TimeSpan? interval = null, CancellationToken cancellationToken = default) =>
        RetryAsync(AsTask(assertion), duration, interval, WaitMode.Async, cancellationToken).AsTask();

    public Task AwaitAssertAsync(Func<Task> assertion, TimeSpan? duration = null, TimeSpan? interval = null, CancellationToken cancellationToken = default) =>
        RetryAsync(assertion, duration, interval, WaitMode.Async, cancellationToken).AsTask();

    public void AwaitCondition(Func<bool> conditionIsFulfilled, CancellationToken cancellationToken = default) =>
        AwaitCondition(conditionIsFulfilled, null, cancellationToken);

    public void AwaitCondition(Func<bool> conditionIsFulfilled, TimeSpan? max, CancellationToken cancellationToken = default) =>
        AwaitAssert(() => Assert.True(conditionIsFulfilled(), "The condition is not fulfilled"), max, null, cancellationToken);

    public Task AwaitConditionAsync(Func<bool> conditionIsFulfilled, CancellationToken cancellationToken = default) =>
        AwaitConditionAsync(conditionIsFulfilled, null, null, cancellationToken);

    public Task AwaitConditionAsync(Func<bool> conditionIsFulfilled, TimeSpan? max, string message, CancellationToken cancellationToken = default) =>
        AwaitAssertAsync(() => Assert.True(conditionIsFulfilled(), message ?? "The condition is not fulfilled"), max, null, cancellationToken);

    public Task AwaitConditionAsync(Func<Task<bool>> conditionIsFulfilled, TimeSpan? max, CancellationToken cancellationToken = default) =>
        AwaitAssertAsync(
            async () => Assert.True(await conditionIsFulfilled().ConfigureAwait(false), "The condition is not fulfilled"), max, null, cancellationToken);

    /// <summary>Fails when the action takes longer; the waits in it have no more time than that.</summary>
    public void Within(TimeSpan max, Action action, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        RunWithinAsync(max + (epsilonValue ?? TimeSpan.Zero), () =>
        {
            action();
            return ValueTask.CompletedTask;
        }).GetAwaiter().GetResult();

    public Task WithinAsync(TimeSpan max, Func<Task> actionAsync, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        RunWithinAsync(max + (epsilonValue ?? TimeSpan.Zero), async () => await actionAsync().WaitAsync(cancellationToken)).AsTask();

    private static Func<Task> AsTask(Action assertion) => () =>
    {
        assertion();
        return Task.CompletedTask;
    };

    private static string Prefix(string hint) => string.IsNullOrEmpty(hint) ? "" : hint + ": ";

    private async ValueTask<T> ExpectAsync<T>(TimeSpan? max, string hint, Action<T, IActorRef> check, WaitMode mode, CancellationToken cancellationToken)
    {
        TimeSpan limit = LimitOf(max);
        Envelope? envelope = await TakeAsync(limit, mode, cancellationToken).ConfigureAwait(false);
        if (envelope is null) Assert.Fail($"{Prefix(hint)}Timeout {limit} while waiting for a message of type {typeof(T)}");
        if (envelope.Value.Message is not T message)
        {
            Assert.Fail($"{Prefix(hint)}Expected a message of type {typeof(T)}, but received {envelope.Value}");
            return default;
        }

        check(message, envelope.Value.Sender);
        return message;
    }

    private async ValueTask ExpectNothingAsync(TimeSpan max, WaitMode mode, CancellationToken cancellationToken)
    {
        Envelope? envelope = await TakeAsync(max, mode, cancellationToken).ConfigureAwait(false);
        if (envelope is not null) Assert.Fail($"Expected no messages during {max}, but received {envelope.Value}");
    }

    private async ValueTask<T> FishAsync<T>(Predicate<T> isMessage, TimeSpan? max, string hint, WaitMode mode, CancellationToken cancellationToken)
    {
        TimeSpan limit = LimitOf(max), end = Now + limit;
        while (true)
        {
            TimeSpan left = end - Now;
            Envelope? envelope = left < TimeSpan.Zero ? null : await TakeAsync(left, mode, cancellationToken).ConfigureAwait(false);
            if (envelope is null) Assert.Fail($"{Prefix(hint)}Timeout {limit} while fishing for a message of type {typeof(T)}");
            if (envelope.Value.Message is T message && isMessage(message)) return message;
        }
    }

    private async ValueTask<object> ReceiveAsync(TimeSpan? max, WaitMode mode, CancellationToken cancellationToken)
    {
        Envelope? envelope = await TakeAsync(LimitOf(max), mode, cancellationToken).ConfigureAwait(false);
        return envelope?.Message;
    }

    private async ValueTask RetryAsync(Func<Task> assertion, TimeSpan? max, TimeSpan? interval, WaitMode mode, CancellationToken cancellationToken)
    {
        TimeSpan end = Now + LimitOf(max);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                await assertion();
                return;
            }
            catch (Exception) when (Now < end)
            {
                // Not yet.
            }

            TimeSpan pause = interval ?? DefaultInterval;
            if (mode == WaitMode.Blocking) Thread.Sleep(pause);
            else await Task.Delay(pause, cancellationToken);
        }
    }
}
