namespace Qcow2Target.ActorRuntime;

/// <summary>A tree of actors with their dispatchers, scheduler and event stream.</summary>
public abstract class ActorSystem : IActorRefFactory, IDisposable
{
    private protected ActorSystem()
    {
    }

    public abstract string Name { get; }

    public abstract Settings Settings { get; }

    public abstract EventStream EventStream { get; }

    public abstract IScheduler Scheduler { get; }

    public abstract ILoggingAdapter Log { get; }

    public abstract Dispatchers Dispatchers { get; }

    public abstract IActorRef DeadLetters { get; }

    /// <summary>Ends when all actors have stopped.</summary>
    public abstract Task WhenTerminated { get; }

    /// <param name="name">Letters, digits, inner <c>-</c>.</param>
    /// <exception cref="ArgumentException">The name is malformed.</exception>
    public static ActorSystem Create(string name) => Create(name, Config.Empty);

    /// <param name="name">Letters, digits, inner <c>-</c>.</param>
    /// <param name="config">Wins over the defaults of the runtime.</param>
    /// <exception cref="ArgumentException">The name is malformed.</exception>
    /// <exception cref="ConfigurationException">The configuration names what does not exist.</exception>
    public static ActorSystem Create(string name, Config config) => new LocalActorSystem(name, config);

    public abstract IActorRef ActorOf(Props props, string name = null);

    public abstract ActorSelection ActorSelection(string actorPath);

    public abstract void Stop(IActorRef actor);

    /// <summary>Runs the coordinated shutdown.</summary>
    public abstract Task Terminate();

    /// <summary>The actions run when all actors have stopped, the last one first.</summary>
    public abstract void RegisterOnTermination(Action code);

    /// <summary><see cref="Terminate"/> and a blocking wait.</summary>
    public void Dispose()
    {
        Terminate().GetAwaiter().GetResult();
        GC.SuppressFinalize(this);
    }
}
