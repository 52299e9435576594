namespace Qcow2Target.ActorRuntime.Tests.Cells;

public sealed class LifecycleTests : TestKit
{
    [Fact]
    public void Hooks_of_a_plain_life_run_in_order()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Hooked(TestActor)));
        ExpectMsg("made");
        ExpectMsg("PreStart");
        Watch(actor);
        Sys.Stop(actor);
        ExpectMsg("PostStop");
        object[] last = [ExpectMsg<object>(), ExpectMsg<object>()];     // in either order
        Assert.Contains("Dispose", last);
        Assert.Contains(last, message => message is Terminated);
    }

    [Fact]
    public void Hooks_of_a_restart_run_in_order_and_each_incarnation_is_disposed()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Hooked(TestActor)));
        ExpectMsg("made");
        ExpectMsg("PreStart");
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => actor.Tell("fail"));
        ExpectMsg("PreRestart fail");
        ExpectMsg("PostStop");
        ExpectMsg("Dispose");
        ExpectMsg("made");
        ExpectMsg("PostRestart");
        ExpectMsg("PreStart");
        Sys.Stop(actor);
        ExpectMsg("PostStop");
        ExpectMsg("Dispose");
    }

    [Fact]
    public void A_restart_keeps_the_ref_and_the_mailbox_but_not_the_failing_message()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Counter()));
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() =>
        {
            actor.Tell("count");
            actor.Tell("fail");
            actor.Tell("count");
            actor.Tell("count");
        });
        ExpectMsg(1);
        ExpectMsg(1);
        ExpectMsg(2);
        Assert.Equal(actor, LastSender);
    }

    [Fact]
    public void Sender_and_message_of_the_failure_can_be_answered_in_PreRestart()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Apologetic()));
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => actor.Tell("question"));
        ExpectMsg("sorry about question");
    }

    [Fact]
    public void Stop_lets_the_handler_finish_and_sends_the_rest_to_dead_letters()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(DeadLetter));
        var gate = new ManualResetEventSlim();
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Stopper(gate)));
        actor.Tell("stop yourself");
        actor.Tell("lost 1");
        actor.Tell("lost 2");
        gate.Set();
        ExpectMsg("finished");
        Assert.Equal("lost 1", ExpectMsg<DeadLetter>().Message);
        Assert.Equal("lost 2", ExpectMsg<DeadLetter>().Message);
        actor.Tell("lost 3");
        DeadLetter letter = ExpectMsg<DeadLetter>();
        Assert.Equal("lost 3", letter.Message);
        Assert.Equal(actor, letter.Recipient);
        Assert.Equal(TestActor, letter.Sender);
    }

    [Fact]
    public void Stop_overtakes_queued_messages_and_a_poison_pill_does_not()
    {
        var gate = new ManualResetEventSlim();
        IActorRef stopped = Sys.ActorOf(Props.Create(() => new Gated(gate)));
        IActorRef poisoned = Sys.ActorOf(Props.Create(() => new Gated(gate)));
        Watch(stopped);
        Watch(poisoned);
        foreach (IActorRef actor in new[] { stopped, poisoned })
        {
            actor.Tell("gate");
            ExpectMsg("at the gate");
            actor.Tell("queued");
        }

        Sys.Stop(stopped);
        poisoned.Tell(PoisonPill.Instance);
        ExpectNoMsg(150);       // Akka's Stop goes through the guardian's mailbox
        gate.Set();
        var seen = new List<object> { ExpectMsg<object>(), ExpectMsg<object>(), ExpectMsg<object>() };
        Assert.Single(seen, message => message is "queued");
        Assert.Equal(2, seen.Count(message => message is Terminated));
    }

    [Fact]
    public void Children_end_before_their_parent()
    {
        IActorRef parent = Sys.ActorOf(Props.Create(() => new Family(2, "p", TestActor)));
        foreach (int _ in Enumerable.Range(0, 7)) ExpectMsg<string>(text => Assert.StartsWith("start", text, StringComparison.Ordinal));
        Watch(parent);
        Sys.Stop(parent);
        var order = new List<string>();
        for (int i = 0; i < 7; i++) order.Add(ExpectMsg<string>());
        ExpectTerminated(parent);
        Assert.Equal("stop p", order[^1]);
        foreach (string child in new[] { "p1", "p2" })
        {
            Assert.True(order.IndexOf($"stop {child}1") < order.IndexOf($"stop {child}"));
            Assert.True(order.IndexOf($"stop {child}2") < order.IndexOf($"stop {child}"));
        }
    }

    [Fact]
    public void A_restart_stops_the_children_and_waits_for_them()
    {
        IActorRef parent = Sys.ActorOf(Props.Create(() => new Family(1, "p", TestActor)));
        foreach (int _ in Enumerable.Range(0, 3)) ExpectMsg<string>();
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => parent.Tell("fail"));
        ExpectMsg("stop p");
        var stops = new[] { ExpectMsg<string>(), ExpectMsg<string>() };
        Assert.Equal(["stop p1", "stop p2"], stops.Order());
        ExpectMsg("start p");
        var starts = new[] { ExpectMsg<string>(), ExpectMsg<string>() };
        Assert.Equal(["start p1", "start p2"], starts.Order());
    }

    [Fact]
    public void Children_that_a_restart_spares_are_restarted_themselves()
    {
        IActorRef parent = Sys.ActorOf(Props.Create(() => new Sparing(TestActor)));
        ExpectMsg("child made");
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => parent.Tell("fail"));
        ExpectMsg("child restarted");
        parent.Tell("hello child");
        ExpectMsg("hello child");
    }

    [Fact]
    public void A_constructor_that_throws_stops_the_actor_without_PostStop()
    {
        Sys.ActorOf(Props.Create(() => new WatchingParent(Props.Create(() => new Stillborn(TestActor, "constructor")), TestActor)));
        ExpectMsg("made 1");
        ExpectMsg("child terminated");
        ExpectNoMsg(100);
    }

    [Fact]
    public void A_PreStart_that_throws_stops_the_actor_without_PostStop()
    {
        Sys.ActorOf(Props.Create(() => new WatchingParent(Props.Create(() => new Stillborn(TestActor, "PreStart")), TestActor)));
        ExpectMsg("made 1");
        ExpectMsg("PreStart");
        ExpectMsg("child terminated");
        ExpectNoMsg(100);
    }

    [Fact]
    public void The_failure_of_a_birth_is_wrapped_for_the_supervisor()
    {
        Sys.ActorOf(Props.Create(() => new DecidingParent(Props.Create(() => new Stillborn(TestActor, "constructor")), TestActor, Directive.Stop)));
        ExpectMsg("made 1");
        ExpectMsg("ActorInitializationException InvalidOperationException");
    }

    [Fact]
    public void A_supervisor_may_restart_what_failed_at_birth()
    {
        IActorRef parent = Sys.ActorOf(Props.Create(() => new DecidingParent(Props.Create(() => new Stillborn(TestActor, "first PreStart")), TestActor, Directive.Restart)));
        ExpectMsg("made 1");
        ExpectMsg("PreStart");
        ExpectMsg("ActorInitializationException InvalidOperationException");
        ExpectMsg("made 2");
        ExpectMsg("PreStart");
        parent.Tell("hello");
        ExpectMsg("hello");
    }

    [Fact]
    public void A_restart_that_fails_stops_the_actor()
    {
        IActorRef parent = Sys.ActorOf(Props.Create(() => new WatchingParent(Props.Create(() => new Stillborn(TestActor, "restart")), TestActor)));
        ExpectMsg("made 1");
        ExpectMsg("PreStart");
        parent.Tell("fail");
        FishForMessage<string>(text => text == "made 2");
        FishForMessage<string>(text => text == "child terminated");
    }

    [Fact]
    public void Kill_stops_the_actor_by_default()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Hooked(TestActor)));
        Watch(actor);
        EventFilter.Exception<ActorKilledException>().ExpectOne(() => actor.Tell(Kill.Instance));
        FishForMessage<Terminated>(terminated => terminated.ActorRef.Equals(actor));
    }

    [Fact]
    public void A_PostStop_that_throws_does_not_keep_the_actor_alive()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new BadStop()));
        Watch(actor);
        EventFilter.Error().ExpectOne(() => Sys.Stop(actor));
        ExpectTerminated(actor);
    }

    [Fact]
    public void Arguments_of_props_are_evaluated_once_and_shared_by_incarnations()
    {
        int evaluations = 0;
        Func<object> count = () => ++evaluations;
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Argument(count(), TestActor)));
        ExpectMsg(1);
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => actor.Tell("fail"));
        ExpectMsg(1);
        Assert.Equal(1, evaluations);
    }

    [Fact]
    public void Nothing_can_be_made_under_a_stopping_parent()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new LateMother(TestActor)));
        Sys.Stop(actor);
        ExpectMsg<InvalidOperationException>();
    }

    private sealed class Hooked : ReceiveActor, IDisposable
    {
        private readonly IActorRef _report;

        public Hooked(IActorRef report)
        {
            _report = report;
            report.Tell("made");
            Receive<string>(text => text == "fail", _ => throw new InvalidOperationException("on demand"));
        }

        protected override void PreStart() => _report.Tell("PreStart");

        protected override void PostStop() => _report.Tell("PostStop");

        protected override void PreRestart(Exception reason, object message)
        {
            _report.Tell($"PreRestart {message}");
            base.PreRestart(reason, message);
        }

        protected override void PostRestart(Exception reason)
        {
            _report.Tell("PostRestart");
            base.PostRestart(reason);
        }

        public void Dispose() => _report.Tell("Dispose");
    }

    private sealed class Counter : ReceiveActor
    {
        private int _count;

        public Counter()
        {
            Receive<string>(text => text == "fail", _ => throw new InvalidOperationException("on demand"));
            ReceiveAny(_ => Sender.Tell(++_count));
        }
    }

    private sealed class Apologetic : ReceiveActor
    {
        public Apologetic() => ReceiveAny(_ => throw new InvalidOperationException("on demand"));

        protected override void PreRestart(Exception reason, object message)
        {
            Sender.Tell($"sorry about {message}");
            base.PreRestart(reason, message);
        }
    }

    private sealed class Stopper : ReceiveActor
    {
        public Stopper(ManualResetEventSlim gate) => ReceiveAny(_ =>
        {
            gate.Wait();
            Context.Stop(Self);
            Sender.Tell("finished");
        });
    }

    private sealed class Gated : ReceiveActor
    {
        public Gated(ManualResetEventSlim gate)
        {
            Receive<string>(text => text == "gate", _ =>
            {
                Sender.Tell("at the gate");
                gate.Wait();
            });
            ReceiveAny(message => Sender.Tell(message));
        }
    }

    private sealed class Family : ReceiveActor
    {
        private readonly IActorRef _report;
        private readonly string _name;
        private readonly int _depth;

        public Family(int depth, string name, IActorRef report)
        {
            _depth = depth;
            _name = name;
            _report = report;
            Receive<string>(_ => throw new InvalidOperationException("on demand"));
        }

        protected override void PreStart()
        {
            _report.Tell("start " + _name);
            if (_depth == 0) return;
            for (int i = 1; i <= 2; i++)
            {
                string child = _name + i;
                int depth = _depth - 1;
                Context.ActorOf(Props.Create(() => new Family(depth, child, _report)), child);
            }
        }

        protected override void PostStop() => _report.Tell("stop " + _name);
    }

    private sealed class Sparing : ReceiveActor
    {
        public Sparing(IActorRef report)
        {
            if (Context.Child("child").IsNobody()) Context.ActorOf(Props.Create(() => new Spared(report)), "child");
            Receive<string>(text => text == "fail", _ => throw new InvalidOperationException("on demand"));
            ReceiveAny(message => Context.Child("child").Forward(message));
        }

        protected override void PreRestart(Exception reason, object message)
        {
        }
    }

    private sealed class Spared : ReceiveActor
    {
        private readonly IActorRef _report;

        public Spared(IActorRef report)
        {
            _report = report;
            ReceiveAny(message => Sender.Tell(message));
        }

        protected override void PreStart() => _report.Tell("child made");

        protected override void PostRestart(Exception reason) => _report.Tell("child restarted");
    }

    private sealed class Stillborn : ReceiveActor
    {
        private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<IActorRef, Counted> Births = [];
        private readonly IActorRef _report;
        private readonly string _where;
        private readonly int _birth;

        public Stillborn(IActorRef report, string where)
        {
            _report = report;
            _where = where;
            _birth = ++Births.GetOrCreateValue(Self).Count;
            report.Tell($"made {_birth}");
            if (where == "constructor" || (where == "restart" && _birth == 2)) throw new InvalidOperationException("stillborn");
            Receive<string>(text => text == "fail", _ => throw new InvalidOperationException("on demand"));
            ReceiveAny(message => Sender.Tell(message));
        }

        protected override void PreStart()
        {
            _report.Tell("PreStart");
            if (_where == "PreStart" || (_where == "first PreStart" && _birth == 1)) throw new InvalidOperationException("stillborn");
        }

        protected override void PostStop() => _report.Tell("PostStop");

        private sealed class Counted
        {
            public int Count { get; set; }
        }
    }

    private sealed class WatchingParent : ReceiveActor
    {
        public WatchingParent(Props child, IActorRef report)
        {
            IActorRef watched = Context.Watch(Context.ActorOf(child));
            Receive<Terminated>(_ => report.Tell("child terminated"));
            ReceiveAny(watched.Forward);
        }
    }

    private sealed class DecidingParent : ReceiveActor
    {
        private readonly IActorRef _report;
        private readonly Directive _directive;

        public DecidingParent(Props child, IActorRef report, Directive directive)
        {
            _report = report;
            _directive = directive;
            IActorRef made = Context.ActorOf(child);
            ReceiveAny(made.Forward);
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
        {
            _report.Tell($"{cause.GetType().Name} {cause.GetBaseException().GetType().Name}");
            return _directive;
        });
    }

    private sealed class BadStop : ReceiveActor
    {
        protected override void PostStop() => throw new InvalidOperationException("cannot stop");
    }

    private sealed class Argument : ReceiveActor
    {
        public Argument(object argument, IActorRef report)
        {
            report.Tell(argument);
            ReceiveAny(_ => throw new InvalidOperationException("on demand"));
        }
    }

    private sealed class LateMother : ReceiveActor
    {
        private readonly IActorRef _report;

        public LateMother(IActorRef report) => _report = report;

        protected override void PostStop()
        {
            try
            {
                Context.ActorOf(Props.Create(() => new Counter()));
            }
            catch (InvalidOperationException e)
            {
                _report.Tell(e);
            }
        }
    }
}
