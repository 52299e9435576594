namespace Qcow2Target.ActorRuntime;

/// <summary>The one kind of actor system: all in this process.</summary>
internal sealed class LocalActorSystem : ActorSystem
{
    private static readonly TimeSpan LoggerStopLimit = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource _terminated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Stack<Action> _onTermination = new();
    private readonly Lock _lock = new();
    private readonly List<IActorRef> _loggers = [];
    private readonly LocalActorRef _user;
    private readonly LocalActorRef _system;
    private readonly ActorPath _temporary;
    private long _uid;
    private long _temporaryNumber;
    private int _ending;

    public LocalActorSystem(string name, Config config)
    {
        if (!IsValidName(name)) throw new ArgumentException($"Invalid actor system name [{name}]: letters, digits and inner hyphens.", nameof(name));
        ArgumentNullException.ThrowIfNull(config);
        Name = name;
        Settings = new Settings(config.WithFallback(ReferenceConfig.Value));
        LogFormatter = (ILogMessageFormatter)Activator.CreateInstance(
            LoggerTypes.Find(Settings.Config.GetString("akka.logger-formatter"), typeof(ILogMessageFormatter)));
        Dispatchers = new Dispatchers(Settings.Config);
        Timers = new ClockScheduler(e => EventStream.Publish(new Error(e, "scheduler", typeof(ClockScheduler), "A scheduled action failed")));
        ActorPath root = ActorPath.Root(name);
        Root = new RootRef(this, root);
        DeadLetters = new DeadLetterRef(this, root.Child("deadLetters", 0));
        _temporary = root.Child("temp", 0);
        Log = Logging.GetLogger(this, "ActorSystem");
        _system = new ActorCell(this, Props.Create<Guardian>(), Root, "system").Self;
        _user = new ActorCell(this, GuardianProps(), Root, "user").Self;
        _system.Start();
        StartLoggers();
        _user.Start();
        Shutdown = new CoordinatedShutdown(this);
    }

    public override string Name { get; }

    public override Settings Settings { get; }

    public override EventStream EventStream { get; } = new();

    public override IScheduler Scheduler => Timers;

    public override ILoggingAdapter Log { get; }

    public override Dispatchers Dispatchers { get; }

    public override IActorRef DeadLetters { get; }

    public override Task WhenTerminated => _terminated.Task;

    internal ClockScheduler Timers { get; }

    internal ILogMessageFormatter LogFormatter { get; }

    /// <summary>The loggers, in the order of the configuration.</summary>
    internal IReadOnlyList<IActorRef> Loggers => _loggers;

    internal RootRef Root { get; }

    internal CoordinatedShutdown Shutdown { get; }

    public override IActorRef ActorOf(Props props, string name = null) => _user.Cell.ActorOf(props, name);

    public override ActorSelection ActorSelection(string actorPath) => new(Root, actorPath);

    public override void Stop(IActorRef actor) => InternalActorRef.Of(actor).Stop();

    public override Task Terminate() => Settings.Config.GetBoolean("akka.coordinated-shutdown.run-by-actor-system-terminate", true)
        ? Shutdown.Run(CoordinatedShutdown.ActorSystemTerminateReason.Instance)
        : FinalTerminate();

    public override void RegisterOnTermination(Action code)
    {
        ArgumentNullException.ThrowIfNull(code);
        lock (_lock)
        {
            if (_terminated.Task.IsCompleted) throw new InvalidOperationException("The actor system has terminated.");
            _onTermination.Push(code);
        }
    }

    /// <summary>Stops all actors, without the phases of the coordinated shutdown.</summary>
    internal Task FinalTerminate()
    {
        _user.Stop();
        return WhenTerminated;
    }

    internal long NextUid() => Interlocked.Increment(ref _uid);

    internal ActorPath NextTemporaryPath()
    {
        long number = Interlocked.Increment(ref _temporaryNumber);
        return _temporary.Child($"${number}", NextUid());
    }

    internal InternalActorRef Guardian(string name) => name switch
    {
        "user" => _user,
        "system" => _system,
        _ => null,
    };

    /// <summary>An actor beside the users', such as a test kit's.</summary>
    internal IActorRef SystemActorOf(Props props, string name) => _system.Cell.ActorOf(props, name);

    /// <summary>A message that no actor takes.</summary>
    internal void ToDeadLetters(object message, IActorRef sender, IActorRef recipient)
    {
        sender ??= DeadLetters;
        switch (message)
        {
            case AllDeadLetters:
                break;      // was for a listener that has stopped; published again it would reach the others twice
            case Identify identify:
                sender.Tell(new ActorIdentity(identify.MessageId, null), recipient);
                break;
            case IDeadLetterSuppression:
                EventStream.Publish(new SuppressedDeadLetter(message, sender, recipient));
                break;
            default:
                EventStream.Publish(new DeadLetter(message, sender, recipient));
                break;
        }
    }

    internal void LogFailure(ActorCell cell, Exception cause, string what) =>
        EventStream.Publish(new Error(cause, cell.Self.Path.ToString(), cell.Props.Type, $"{what}: {cause.Message}"));

    /// <exception cref="ConfigurationException">The id names no mailbox of a kind that exists here.</exception>
    internal void CheckMailbox(string id)
    {
        if (id is null) return;
        string type = Settings.Config.GetString(id + ".mailbox-type");
        if (type is null) throw new ConfigurationException($"Mailbox [{id}] is not configured.");
        if (type is not ("Akka.Dispatch.UnboundedMailbox, Akka" or "Akka.Dispatch.UnboundedMailbox"
            or "Akka.Dispatch.UnboundedDequeBasedMailbox, Akka" or "Akka.Dispatch.UnboundedDequeBasedMailbox"))
            throw new ConfigurationException($"Mailbox [{id}]: type [{type}] is not supported.");
    }

    internal void OnGuardianTerminated(InternalActorRef guardian)
    {
        if (guardian.Equals(_user)) _ = EndSystemActorsAsync();
        else EndSystem();
    }

    private static bool IsValidName(string name) =>
        !string.IsNullOrEmpty(name) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') && name[0] != '-' && name[^1] != '-';

    private Props GuardianProps()
    {
        string strategy = Settings.Config.GetString("akka.actor.guardian-supervisor-strategy");
        Props props = Props.Create<Guardian>();
        return strategy switch
        {
            "Akka.Actor.DefaultSupervisorStrategy" => props,
            "Akka.Actor.StoppingSupervisorStrategy" => props.WithSupervisorStrategy(SupervisorStrategy.StoppingStrategy),
            _ => throw new ConfigurationException($"akka.actor.guardian-supervisor-strategy: [{strategy}] is not supported."),
        };
    }

    private void StartLoggers()
    {
        EventStream.LogLevel = Settings.LogLevel.ToUpperInvariant() switch
        {
            "DEBUG" => LogLevel.DebugLevel,
            "INFO" => LogLevel.InfoLevel,
            "WARNING" => LogLevel.WarningLevel,
            "ERROR" => LogLevel.ErrorLevel,
            "OFF" => LogLevel.ErrorLevel + 1,
            _ => throw new ConfigurationException($"akka.loglevel: [{Settings.LogLevel}] is none of DEBUG, INFO, WARNING, ERROR, OFF."),
        };
        int number = 0;
        foreach (string name in Settings.Config.GetStringList("akka.loggers"))
        {
            Type type = LoggerTypes.Find(name, typeof(ActorBase));
            IActorRef logger = SystemActorOf(Props.Create(type), $"log{++number}-{type.Name}");
            _loggers.Add(logger);
            EventStream.Subscribe(logger, typeof(LogEvent));
        }

        int deadLetters = DeadLettersToLog();
        if (deadLetters == 0) return;
        IActorRef listener = SystemActorOf(Props.Create(() => new DeadLetterListener(deadLetters)), "deadLetterListener");
        EventStream.Subscribe(listener, typeof(DeadLetter));
        EventStream.Subscribe(listener, typeof(Dropped));
    }

    private int DeadLettersToLog() => Settings.Config.GetString("akka.log-dead-letters").ToUpperInvariant() switch
    {
        "ON" or "TRUE" => -1,
        "OFF" or "FALSE" => 0,
        _ => Settings.Config.GetInt("akka.log-dead-letters"),
    };

    /// <summary>The loggers go last, when all that was said before has reached them.</summary>
    private async Task EndSystemActorsAsync()
    {
        if (Interlocked.Exchange(ref _ending, 1) != 0) return;
        await Task.WhenAll(_loggers.Select(logger => logger.GracefulStop(LoggerStopLimit))).ConfigureAwait(false);
        _system.Stop();
    }

    private void EndSystem()
    {
        Timers.Stop();
        lock (_lock)
        {
            while (_onTermination.TryPop(out Action action))
            {
                try
                {
                    action();
                }
                catch (Exception e)
                {
                    Console.Error.WriteLine($"Actor system {Name}: a termination callback failed: {e}");
                }
            }
        }

        Dispatchers.Shutdown();
        _terminated.TrySetResult();
    }
}
