namespace Qcow2Target.ActorRuntime.Tests.Shutdown;

public sealed class CoordinatedShutdownTests : TestKit
{
    public CoordinatedShutdownTests()
        : base("akka.coordinated-shutdown.phases.service-stop.timeout = 300 ms")
    {
    }

    [Fact]
    public async Task Phases_run_in_turn_while_actors_live()
    {
        var order = new List<string>();
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Echo()));
        CoordinatedShutdown shutdown = CoordinatedShutdown.Get(Sys);
        foreach (string phase in new[]
        {
            CoordinatedShutdown.PhaseBeforeActorSystemTerminate, CoordinatedShutdown.PhaseServiceStop, CoordinatedShutdown.PhaseServiceRequestsDone,
            CoordinatedShutdown.PhaseServiceUnbind, CoordinatedShutdown.PhaseBeforeServiceUnbind,
        })
        {
            shutdown.AddTask(phase, "note", async () =>
            {
                order.Add(await actor.Ask<string>(phase, TimeSpan.FromSeconds(3)));
                return Done.Instance;
            });
        }

        Assert.Null(shutdown.ShutdownReason);
        Task<Done> run = shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance);
        Assert.Same(run, shutdown.Run(CoordinatedShutdown.UnknownReason.Instance));
        await run.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Same(CoordinatedShutdown.ClrExitReason.Instance, shutdown.ShutdownReason);
        Assert.Equal(["before-service-unbind", "service-unbind", "service-requests-done", "service-stop", "before-actor-system-terminate"], order);
        Assert.True(Sys.WhenTerminated.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Tasks_that_fail_or_are_late_do_not_hold_it_up()
    {
        CoordinatedShutdown shutdown = CoordinatedShutdown.Get(Sys);
        var ran = new TaskCompletionSource<Done>();
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceUnbind, "fails", () => throw new InvalidOperationException("on purpose"));
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceUnbind, "fails later", async () =>
        {
            await Task.Yield();
            throw new InvalidOperationException("on purpose");
        });
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "never ends", () => new TaskCompletionSource<Done>().Task);
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeActorSystemTerminate, "runs", () =>
        {
            ran.SetResult(Done.Instance);
            return ran.Task;
        });
        await Sys.Terminate().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.True(ran.Task.IsCompletedSuccessfully);
        Assert.Same(CoordinatedShutdown.ActorSystemTerminateReason.Instance, shutdown.ShutdownReason);
    }

    [Fact]
    public void Timeouts_come_from_the_configuration()
    {
        CoordinatedShutdown shutdown = CoordinatedShutdown.Get(Sys);
        Assert.Equal(TimeSpan.FromMilliseconds(300), shutdown.Timeout(CoordinatedShutdown.PhaseServiceStop));
        Assert.Equal(TimeSpan.FromSeconds(5), shutdown.Timeout(CoordinatedShutdown.PhaseServiceUnbind));
        Assert.Equal(TimeSpan.FromSeconds(10), shutdown.Timeout(CoordinatedShutdown.PhaseActorSystemTerminate));
    }

    [Fact]
    public void An_unknown_phase_is_refused() =>
        Assert.Throws<ConfigurationException>(() => CoordinatedShutdown.Get(Sys).AddTask("no-such-phase", "x", () => Task.FromResult(Done.Instance)));

    [Fact]
    public async Task An_own_reason_will_do()
    {
        var reason = new Bored();
        await CoordinatedShutdown.Get(Sys).Run(reason).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Same(reason, CoordinatedShutdown.Get(Sys).ShutdownReason);
    }

    private sealed class Bored : CoordinatedShutdown.Reason
    {
        public override int ExitCode => 3;
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(message => Sender.Tell(message));
    }
}
