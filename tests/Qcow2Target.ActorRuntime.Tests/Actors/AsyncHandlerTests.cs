namespace Qcow2Target.ActorRuntime.Tests.Actors;

public sealed class AsyncHandlerTests : TestKit
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    [Fact]
    public void The_next_message_waits_until_the_task_has_ended()
    {
        var gate = new TaskCompletionSource();
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Waiter(gate.Task)));
        actor.Tell("wait");
        actor.Tell("plain");
        ExpectMsg("begin");
        ExpectNoMsg(100);
        gate.SetResult();
        ExpectMsg("end");
        ExpectMsg("plain");
    }

    [Fact]
    public void Context_self_and_sender_hold_after_an_await()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Keeper()), "keeper");
        TestProbe other = CreateTestProbe();
        actor.Tell("first");
        actor.Tell("second", other);
        ExpectMsg("first from keeper");
        Assert.Equal(actor, LastSender);
        other.ExpectMsg("second from keeper");
    }

    [Fact]
    public void Children_can_be_made_after_an_await()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new LateParent()));
        actor.Tell("make");
        ExpectMsg("child 1");
        ExpectMsg("child 2");
    }

    [Fact]
    public void An_exception_after_an_await_restarts_the_actor()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Failing(TestActor)));
        ExpectMsg("made");
        EventFilter.Exception<InvalidOperationException>("late").ExpectOne(() => actor.Tell("late"));
        ExpectMsg("restart late InvalidOperationException");
        ExpectMsg("made");
        EventFilter.Exception<InvalidOperationException>("early").ExpectOne(() => actor.Tell("early"));
        ExpectMsg("restart early InvalidOperationException");
        ExpectMsg("made");
        actor.Tell("fine");
        ExpectMsg("fine");
    }

    [Fact]
    public void A_cancelled_task_fails_the_actor()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Failing(TestActor)));
        ExpectMsg("made");
        EventFilter.Exception<OperationCanceledException>().ExpectOne(() => actor.Tell("cancelled"));
        ExpectMsg("restart cancelled TaskCanceledException");
        ExpectMsg("made");
    }

    [Fact]
    public void Stop_during_an_await_runs_PostStop_and_never_the_rest()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Cut(gate.Task, TestActor)));
        Watch(actor);
        actor.Tell("wait");
        ExpectMsg("begin");
        Sys.Stop(actor);
        ExpectMsg("PostStop");
        ExpectTerminated(actor);
        gate.SetResult();
        ExpectNoMsg(200);
    }

    [Fact]
    public void A_poison_pill_waits_for_the_handler()
    {
        var gate = new TaskCompletionSource();
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Cut(gate.Task, TestActor)));
        actor.Tell("wait");
        actor.Tell(PoisonPill.Instance);
        ExpectMsg("begin");
        ExpectNoMsg(100);
        gate.SetResult();
        ExpectMsg("rest");
        ExpectMsg("finally");
        ExpectMsg("PostStop");
    }

    [Fact]
    public void Failures_of_children_wait_until_the_handler_has_ended()
    {
        var gate = new TaskCompletionSource();
        IActorRef parent = Sys.ActorOf(Props.Create(() => new WaitingParent(gate.Task, TestActor)));
        parent.Tell("wait");
        IActorRef child = ExpectMsg<IActorRef>();
        child.Tell("fail");
        child.Tell("still there");
        ExpectNoMsg(100);
        EventFilter.Exception<InvalidOperationException>().ExpectOne(gate.SetResult);
        Assert.Equal(["rest", "still there"], new[] { ExpectMsg<string>(), ExpectMsg<string>() }.Order());
    }

    [Fact]
    public void A_parent_that_waits_hears_of_a_dead_child_afterwards()
    {
        var gate = new TaskCompletionSource();
        IActorRef parent = Sys.ActorOf(Props.Create(() => new WaitingParent(gate.Task, TestActor)));
        parent.Tell("wait");
        IActorRef child = ExpectMsg<IActorRef>();
        Watch(child);
        child.Tell(PoisonPill.Instance);
        ExpectTerminated(child);
        ExpectNoMsg(100);
        gate.SetResult();
        ExpectMsg("rest");
        ExpectMsg("child terminated");
    }

    [Fact]
    public void A_handler_that_waits_many_times_keeps_the_order()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Yielding()));
        for (int i = 0; i < 200; i++) actor.Tell(i);
        for (int i = 0; i < 200; i++) ExpectMsg(i);
    }

    [Fact]
    public void A_restart_during_an_await_ends_the_old_incarnation()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        IActorRef parent = Sys.ActorOf(Props.Create(() => new AllForOneParent(gate.Task, TestActor)));
        parent.Tell("go");
        ExpectMsg("begin");
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => parent.Tell("fail the other"));
        ExpectMsg("PostStop");
        ExpectMsg("restarted");
        parent.Tell("hello");
        gate.SetResult();
        FishForMessage<string>(text => text == "hello");
    }

    private sealed class Waiter : ReceiveActor
    {
        public Waiter(Task gate)
        {
            ReceiveAsync<string>(text => text == "wait", async _ =>
            {
                Sender.Tell("begin");
                await gate;
                Sender.Tell("end");
            });
            Receive<string>(text => Sender.Tell(text));
        }
    }

    private sealed class Keeper : ReceiveActor
    {
        public Keeper() => ReceiveAsync<string>(async text =>
        {
            await Task.Yield();
            await Task.Run(() => { });
            Sender.Tell($"{text} from {Self.Path.Name}");
            Assert.Equal(Self, Context.Self);
        });
    }

    private sealed class LateParent : ReceiveActor
    {
        public LateParent() => ReceiveAnyAsync(async _ =>
        {
            await Task.Yield();
            IActorRef child = Context.ActorOf(Props.Create(() => new Waiter(Task.CompletedTask)));
            for (int i = 1; i <= 2; i++)
            {
                string answer = await child.Ask<string>("child " + i, Limit);
                Sender.Tell(answer);
            }
        });
    }

    private sealed class Failing : ReceiveActor
    {
        private readonly IActorRef _report;

        public Failing(IActorRef report)
        {
            _report = report;
            report.Tell("made");
            ReceiveAsync<string>(text => text == "early", _ => throw new InvalidOperationException("early"));
            ReceiveAsync<string>(text => text == "late", async _ =>
            {
                await Task.Yield();
                throw new InvalidOperationException("late");
            });
            ReceiveAsync<string>(text => text == "cancelled", async _ => await Task.FromCanceled(new CancellationToken(true)));
            ReceiveAsync<string>(async text =>
            {
                await Task.CompletedTask;
                Sender.Tell(text);
            });
        }

        protected override void PreRestart(Exception reason, object message)
        {
            _report.Tell($"restart {message} {reason.GetType().Name}");
            base.PreRestart(reason, message);
        }
    }

    private sealed class Cut : ReceiveActor
    {
        private readonly IActorRef _report;

        public Cut(Task gate, IActorRef report)
        {
            _report = report;
            ReceiveAsync<string>(async _ =>
            {
                report.Tell("begin");
                try
                {
                    await gate;
                    report.Tell("rest");
                }
                finally
                {
                    report.Tell("finally");
                }
            });
        }

        protected override void PostStop() => _report.Tell("PostStop");
    }

    private sealed class WaitingParent : ReceiveActor
    {
        public WaitingParent(Task gate, IActorRef report)
        {
            ReceiveAsync<string>(async _ =>
            {
                IActorRef child = Context.Watch(Context.ActorOf(Props.Create(() => new Fragile())));
                report.Tell(child);
                await gate;
                report.Tell("rest");
            });
            Receive<Terminated>(_ => report.Tell("child terminated"));
        }
    }

    private sealed class Fragile : ReceiveActor
    {
        public Fragile()
        {
            Receive<string>(text => text == "fail", _ => throw new InvalidOperationException("on demand"));
            ReceiveAny(message => Sender.Tell(message));
        }
    }

    private sealed class Yielding : ReceiveActor
    {
        public Yielding() => ReceiveAsync<int>(async number =>
        {
            for (int i = 0; i < number % 4; i++) await Task.Yield();
            Sender.Tell(number);
        });
    }

    private sealed class AllForOneParent : ReceiveActor
    {
        public AllForOneParent(Task gate, IActorRef report)
        {
            IActorRef waiting = Context.ActorOf(Props.Create(() => new Awaiting(gate, report)));
            IActorRef fragile = Context.ActorOf(Props.Create(() => new Fragile()));
            Receive<string>(text => text == "go", _ => waiting.Forward("wait"));
            Receive<string>(text => text == "fail the other", _ => fragile.Tell("fail"));
            ReceiveAny(waiting.Forward);
        }

        protected override SupervisorStrategy SupervisorStrategy() => new AllForOneStrategy(_ => Directive.Restart);
    }

    private sealed class Awaiting : ReceiveActor
    {
        private readonly IActorRef _report;

        public Awaiting(Task gate, IActorRef report)
        {
            _report = report;
            ReceiveAsync<string>(text => text == "wait", async _ =>
            {
                report.Tell("begin");
                await gate;
                report.Tell("rest of the old handler");
            });
            ReceiveAny(message => Sender.Tell(message));
        }

        protected override void PostStop() => _report.Tell("PostStop");

        protected override void PostRestart(Exception reason) => _report.Tell("restarted");
    }
}
