namespace Qcow2Target.ActorTestKit;

/// <summary>The system, the test actor and the clock of a test.</summary>
public abstract class TestKitCore : IActorRefFactory
{
    private readonly TestMessageQueue _queue = new();
    private readonly TestSettings _settings;
    private TimeSpan? _end;     // of the Within we are in, on the scheduler's clock
    private Envelope? _last;

    private protected TestKitCore(ActorSystem system, string testActorName)
    {
        Sys = system;
        _settings = new TestSettings(system.Settings.Config);
        TestActor = ((LocalActorSystem)system).SystemActorOf(Props.Create(() => new TestActorBehaviour(_queue)), testActorName);
        EventFilter = new EventFilterFactory(this);
    }

    public ActorSystem Sys { get; }

    public IActorRef TestActor { get; }

    public ILoggingAdapter Log => Sys.Log;

    public EventFilterFactory EventFilter { get; }

    public object LastMessage => _last?.Message;

    public IActorRef LastSender => _last?.Sender;

    public bool HasMessages => _queue.HasMessages;

    /// <summary>What is left of the surrounding <c>Within</c>, or the default wait.</summary>
    public TimeSpan RemainingOrDefault => _end is { } end ? Max(end - Now, TimeSpan.Zero) : Dilated(_settings.SingleExpectDefault);

    internal TimeSpan FilterLeeway => Dilated(_settings.FilterLeeway);

    private protected TimeSpan Now => Sys.Scheduler.MonotonicClock;

    public TimeSpan Dilated(TimeSpan duration) => duration * _settings.TimeFactor;

    public IActorRef ActorOf(Props props) => Sys.ActorOf(props);

    public IActorRef ActorOf(Props props, string name) => Sys.ActorOf(props, name);

    public IActorRef ActorOf<TActor>()
        where TActor : ActorBase, new() => Sys.ActorOf(Props.Create<TActor>());

    public IActorRef ActorOf<TActor>(string name)
        where TActor : ActorBase, new() => Sys.ActorOf(Props.Create<TActor>(), name);

    public ActorSelection ActorSelection(string actorPath) => Sys.ActorSelection(actorPath);

    public TestProbe CreateTestProbe(string name = null) => new(Sys, name);

    /// <summary>An actor that handles what it is told inside the tell. Not for asynchronous handlers.</summary>
    public TestActorRef<TActor> ActorOfAsTestActorRef<TActor>(Props props, string name = null)
        where TActor : ActorBase => new(Sys, props, null, name);

    public TestActorRef<TActor> ActorOfAsTestActorRef<TActor>(Props props, IActorRef supervisor, string name = null)
        where TActor : ActorBase => new(Sys, props, supervisor, name);

    public IActorRef Watch(IActorRef actorToWatch)
    {
        OnTurnAsync(context => context.Watch(actorToWatch)).GetAwaiter().GetResult();
        return actorToWatch;
    }

    public async Task<IActorRef> WatchAsync(IActorRef actorToWatch)
    {
        await OnTurnAsync(context => context.Watch(actorToWatch)).ConfigureAwait(false);
        return actorToWatch;
    }

    public IActorRef Unwatch(IActorRef actorToUnwatch)
    {
        OnTurnAsync(context => context.Unwatch(actorToUnwatch)).GetAwaiter().GetResult();
        return actorToUnwatch;
    }

    public async Task<IActorRef> UnwatchAsync(IActorRef actorToUnwatch)
    {
        await OnTurnAsync(context => context.Unwatch(actorToUnwatch)).ConfigureAwait(false);
        return actorToUnwatch;
    }

    public void IgnoreMessages<TMsg>()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        TestActor.Tell(new TestActorBehaviour.SetIgnored(message => message is TMsg, done), ActorRefs.NoSender);
        done.Task.GetAwaiter().GetResult();
    }

    private protected async ValueTask<Envelope?> TakeAsync(TimeSpan max, WaitMode mode, CancellationToken cancellationToken)
    {
        Envelope? taken = await _queue.TakeAsync(max, mode, cancellationToken).ConfigureAwait(false);
        if (taken is not null) _last = taken;
        return taken;
    }

    private protected TimeSpan LimitOf(TimeSpan? given)
    {
        if (given is not { } max) return RemainingOrDefault;
        TimeSpan limit = Dilated(max);
        return _end is { } end ? Max(Min(limit, end - Now), TimeSpan.Zero) : limit;
    }

    private protected async ValueTask RunWithinAsync(TimeSpan max, Func<ValueTask> action)
    {
        TimeSpan? outer = _end;
        TimeSpan start = Now, limit = Dilated(max), end = start + limit;
        _end = outer is { } outerEnd ? Min(end, outerEnd) : end;
        try
        {
            await action();
        }
        finally
        {
            _end = outer;
        }

        TimeSpan took = Now - start;
        if (took > limit) Assert.Fail($"Block took {took}, exceeding {limit}");
    }

    private static TimeSpan Min(TimeSpan left, TimeSpan right) => left < right ? left : right;

    private static TimeSpan Max(TimeSpan left, TimeSpan right) => left > right ? left : right;

    private Task OnTurnAsync(Action<IActorContext> action)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        TestActor.Tell(new TestActorBehaviour.DoOnTurn(action, done), ActorRefs.NoSender);
        return done.Task;
    }
}
