namespace Qcow2Target.ActorRuntime.Tests.Scheduling;

public sealed class TimerSchedulerTests : TestKit
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Never = TimeSpan.FromMinutes(10);

    [Fact]
    public void A_single_timer_fires_once_and_is_then_inactive()
    {
        IActorRef actor = Timed();
        actor.Tell(new Act(timers => timers.StartSingleTimer("k", "tick", Soon)));
        ExpectMsg("tick");
        ExpectNoMsg(150);
        actor.Tell("active?");
        ExpectMsg(false);
    }

    [Fact]
    public void A_periodic_timer_fires_until_it_is_cancelled()
    {
        IActorRef actor = Timed();
        actor.Tell(new Act(timers => timers.StartPeriodicTimer("k", "tick", TimeSpan.Zero, Soon)));
        for (int i = 0; i < 3; i++) ExpectMsg("tick");
        actor.Tell("active?");
        FishForMessage<bool>(active => active);
        actor.Tell(new Act(timers => timers.Cancel("k")));
        actor.Tell("active?");
        FishForMessage<bool>(active => !active);
        ExpectNoMsg(150);
    }

    [Fact]
    public void The_same_key_replaces()
    {
        IActorRef actor = Timed();
        actor.Tell(new Act(timers =>
        {
            timers.StartSingleTimer("k", "old", Soon);
            timers.StartSingleTimer("k", "new", Soon);
        }));
        ExpectMsg("new");
        ExpectNoMsg(150);
    }

    [Fact]
    public void The_message_of_a_cancelled_timer_is_not_seen_although_it_is_queued()
    {
        IActorRef actor = Timed();
        var gate = new ManualResetEventSlim();
        actor.Tell(new Act(timers =>
        {
            timers.StartSingleTimer("k", "tick", TimeSpan.Zero);
            timers.StartSingleTimer("other", "other", TimeSpan.Zero);
            gate.Wait(TimeSpan.FromMilliseconds(300));      // both fire into the mailbox meanwhile
            timers.Cancel("k");
        }));
        ExpectMsg("other");
        ExpectNoMsg(100);
    }

    [Fact]
    public void Timers_end_with_the_incarnation()
    {
        IActorRef actor = Timed();
        actor.Tell(new Act(timers => timers.StartPeriodicTimer("k", "tick", Soon)));
        ExpectMsg("tick");
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => actor.Tell(new Act(_ => throw new InvalidOperationException("on demand"))));
        actor.Tell("active?");
        FishForMessage<bool>(active => !active);
        ExpectNoMsg(150);
    }

    [Fact]
    public void Timers_work_in_the_constructor_and_come_from_dead_letters()
    {
        Sys.ActorOf(Props.Create(() => new Early(TestActor)));
        ExpectMsg($"tick from {Sys.DeadLetters.Path}");
    }

    [Fact]
    public void A_timer_may_have_a_sender()
    {
        TestProbe probe = CreateTestProbe();
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Timed_(ActorRefs.Nobody)));
        actor.Tell(new Act(timers => timers.StartSingleTimer("k", "active?", Soon, probe)));
        probe.ExpectMsg(false);
    }

    [Fact]
    public void CancelAll_cancels_all()
    {
        IActorRef actor = Timed();
        actor.Tell(new Act(timers =>
        {
            timers.StartSingleTimer("k", "tick", Soon);
            timers.StartPeriodicTimer("l", "tick", Soon);
            timers.CancelAll();
        }));
        ExpectNoMsg(200);
    }

    [Fact]
    public void Active_is_what_has_not_fired()
    {
        IActorRef actor = Timed();
        actor.Tell("active?");
        ExpectMsg(false);
        actor.Tell(new Act(timers => timers.StartSingleTimer("k", "tick", Never)));
        actor.Tell("active?");
        ExpectMsg(true);
    }

    private IActorRef Timed() => Sys.ActorOf(Props.Create(() => new Timed_(TestActor)));

    private sealed record Act(Action<ITimerScheduler> Action);

    private sealed class Timed_ : ReceiveActor, IWithTimers
    {
        public Timed_(IActorRef report)
        {
            Receive<Act>(act => act.Action(Timers));
            Receive<string>(text => text == "active?", _ => Sender.Tell(Timers.IsTimerActive("k")));
            ReceiveAny(message => report.Tell(message));
        }

        public ITimerScheduler Timers { get; set; } = null!;
    }

    private sealed class Early : ReceiveActor, IWithTimers
    {
        public Early(IActorRef report)
        {
            Timers.StartSingleTimer("k", "tick", Soon);
            Receive<string>(text => report.Tell($"{text} from {Sender.Path}"));
        }

        public ITimerScheduler Timers { get; set; } = null!;
    }
}
