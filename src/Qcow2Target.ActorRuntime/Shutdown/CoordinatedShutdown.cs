namespace Qcow2Target.ActorRuntime;

/// <summary>
/// Ends a system in phases. Phases run in turn, the tasks of one in parallel, each phase within its time; a task that fails or is late is
/// logged and the shutdown goes on. Actors live until the last phase.
/// </summary>
public sealed class CoordinatedShutdown
{
    public const string PhaseBeforeServiceUnbind = "before-service-unbind";
    public const string PhaseServiceUnbind = "service-unbind";
    public const string PhaseServiceRequestsDone = "service-requests-done";
    public const string PhaseServiceStop = "service-stop";
    public const string PhaseBeforeActorSystemTerminate = "before-actor-system-terminate";
    public const string PhaseActorSystemTerminate = "actor-system-terminate";

    private static readonly string[] Phases =
    [
        PhaseBeforeServiceUnbind, PhaseServiceUnbind, PhaseServiceRequestsDone, PhaseServiceStop, PhaseBeforeActorSystemTerminate, PhaseActorSystemTerminate,
    ];

    private readonly Lock _lock = new();
    private readonly LocalActorSystem _system;
    private readonly Dictionary<string, List<(string Name, Func<Task<Done>> Run)>> _tasks = Phases.ToDictionary(phase => phase, _ => new List<(string, Func<Task<Done>>)>());
    private Task<Done> _run;

    internal CoordinatedShutdown(LocalActorSystem system)
    {
        _system = system;
        Config own = system.Settings.Config.GetConfig("akka.coordinated-shutdown");
        if (own.GetBoolean("terminate-actor-system")) AddTask(PhaseActorSystemTerminate, "terminate-system", TerminateSystemAsync);
        if (own.GetBoolean("exit-clr")) throw new ConfigurationException("akka.coordinated-shutdown.exit-clr is not supported: end the process from its main method.");
        if (!own.GetBoolean("run-by-clr-shutdown-hook")) return;
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
        system.RegisterOnTermination(() => AppDomain.CurrentDomain.ProcessExit -= OnProcessExit);
    }

    /// <summary>Why it runs; null before.</summary>
    public Reason ShutdownReason { get; private set; }

    public static CoordinatedShutdown Get(ActorSystem sys) => ((LocalActorSystem)sys).Shutdown;

    /// <exception cref="ConfigurationException">Unknown phase.</exception>
    public void AddTask(string phase, string taskName, Func<Task<Done>> task)
    {
        ArgumentException.ThrowIfNullOrEmpty(taskName);
        ArgumentNullException.ThrowIfNull(task);
        Check(phase);
        lock (_lock) _tasks[phase].Add((taskName, task));
    }

    /// <summary>The first call decides the reason; all get the same task.</summary>
    /// <exception cref="ConfigurationException">Unknown phase.</exception>
    public Task<Done> Run(Reason reason, string fromPhase = null)
    {
        ArgumentNullException.ThrowIfNull(reason);
        if (fromPhase is not null) Check(fromPhase);
        lock (_lock)
        {
            if (_run is not null) return _run;
            ShutdownReason = reason;
            return _run = Task.Run(() => RunAsync(fromPhase ?? Phases[0]));
        }
    }

    /// <exception cref="ConfigurationException">Unknown phase.</exception>
    public TimeSpan Timeout(string phase)
    {
        Check(phase);
        Config own = _system.Settings.Config.GetConfig("akka.coordinated-shutdown");
        return own.GetTimeSpan($"phases.{phase}.timeout", own.GetTimeSpan("default-phase-timeout"));
    }

    private static void Check(string phase)
    {
        if (!Phases.Contains(phase)) throw new ConfigurationException($"Unknown shutdown phase [{phase}]: one of {string.Join(", ", Phases)}.");
    }

    private async Task<Done> RunAsync(string fromPhase)
    {
        foreach (string phase in Phases.SkipWhile(phase => phase != fromPhase))
        {
            (string Name, Func<Task<Done>> Run)[] tasks;
            lock (_lock) tasks = [.. _tasks[phase]];
            await Task.WhenAll(tasks.Select(task => RunAsync(phase, task.Name, task.Run))).ConfigureAwait(false);
        }

        return Done.Instance;
    }

    private async Task RunAsync(string phase, string name, Func<Task<Done>> task)
    {
        TimeSpan limit = Timeout(phase);
        try
        {
            await Task.Run(task).WaitAsync(limit).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _system.Log.Warning("Coordinated shutdown phase [{0}]: task [{1}] is late after {2}", phase, name, limit);
        }
        catch (Exception e)
        {
            _system.Log.Warning(e, "Coordinated shutdown phase [{0}]: task [{1}] failed", phase, name);
        }
    }

    private async Task<Done> TerminateSystemAsync()
    {
        await _system.FinalTerminate().ConfigureAwait(false);
        return Done.Instance;
    }

    private void OnProcessExit(object sender, EventArgs e) =>
        Run(ClrExitReason.Instance).Wait(Phases.Aggregate(TimeSpan.Zero, (sum, phase) => sum + Timeout(phase)));

    /// <summary>Why a system ends.</summary>
    public abstract class Reason
    {
        /// <summary>The exit code that fits.</summary>
        public abstract int ExitCode { get; }
    }

    public sealed class UnknownReason : Reason
    {
        public static readonly Reason Instance = new UnknownReason();

        private UnknownReason()
        {
        }

        public override int ExitCode => 0;
    }

    public sealed class ActorSystemTerminateReason : Reason
    {
        public static readonly Reason Instance = new ActorSystemTerminateReason();

        private ActorSystemTerminateReason()
        {
        }

        public override int ExitCode => 0;
    }

    public sealed class ClrExitReason : Reason
    {
        public static readonly Reason Instance = new ClrExitReason();

        private ClrExitReason()
        {
        }

        public override int ExitCode => 0;
    }
}
