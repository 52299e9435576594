namespace Qcow2Target.ActorRuntime.Tests.Supervision;

public sealed class SupervisorStrategyTests : TestKit
{
    [Fact]
    public void Resume_keeps_the_instance_and_what_it_had_changed()
    {
        IActorRef child = Child(new OneForOneStrategy(_ => Directive.Resume));
        child.Tell("add");
        child.Tell("add");
        EventFilter.Warning("on demand").ExpectOne(() => child.Tell("add and fail"));
        child.Tell("get");
        ExpectMsg(3);
    }

    [Fact]
    public void Restart_makes_a_new_instance()
    {
        IActorRef child = Child(new OneForOneStrategy(_ => Directive.Restart));
        child.Tell("add");
        EventFilter.Error("on demand", source: child.Path.ToString()).ExpectOne(() => child.Tell("fail"));
        child.Tell("get");
        ExpectMsg(0);
    }

    [Fact]
    public void Stop_stops_the_child_alone()
    {
        IActorRef child = Child(new OneForOneStrategy(_ => Directive.Stop), out IActorRef sibling, out _);
        Watch(child);
        child.Tell("fail");
        ExpectTerminated(child);
        sibling.Tell("get");
        ExpectMsg(0);
    }

    [Fact]
    public void Escalate_fails_the_parent_with_the_same_exception_and_is_not_logged_there()
    {
        var grandparent = new OneForOneStrategy(cause =>
        {
            TestActor.Tell(cause.Message, ActorRefs.NoSender);
            return Directive.Stop;
        });
        Props escalating = Props.Create(() => new Parent(Props.Create(() => new Worker()), new OneForOneStrategy(_ => Directive.Escalate)));
        IActorRef top = Sys.ActorOf(Props.Create(() => new Parent(escalating, null)).WithSupervisorStrategy(grandparent));
        top.Tell("child");
        IActorRef middle = ExpectMsg<IActorRef>();
        middle.Tell("child");
        IActorRef child = ExpectMsg<IActorRef>();
        Watch(middle);
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => child.Tell("fail"));
        ExpectMsg("on demand");
        ExpectTerminated(middle);
    }

    [Fact]
    public void An_escalated_failure_can_be_resumed_above()
    {
        Props escalating = Props.Create(() => new Parent(Props.Create(() => new Worker()), new OneForOneStrategy(_ => Directive.Escalate)));
        IActorRef top = Sys.ActorOf(Props.Create(() => new Parent(escalating, new OneForOneStrategy(_ => Directive.Resume))));
        top.Tell("child");
        IActorRef middle = ExpectMsg<IActorRef>();
        middle.Tell("child");
        IActorRef child = ExpectMsg<IActorRef>();
        for (int i = 1; i <= 3; i++)
        {
            child.Tell("add");
            child.Tell("fail");
            child.Tell("get");
            ExpectMsg(i);
            middle.Tell("child");
            ExpectMsg(child);
        }
    }

    [Fact]
    public void An_actor_without_a_strategy_restarts_its_children()
    {
        IActorRef child = Child(null);
        child.Tell("add");
        child.Tell("fail");
        child.Tell("get");
        ExpectMsg(0);
    }

    [Fact]
    public void The_third_failure_within_the_time_stops_a_child_that_has_two_retries()
    {
        IActorRef child = Child(new OneForOneStrategy(2, TimeSpan.FromSeconds(30), _ => Directive.Restart));
        Watch(child);
        child.Tell("fail");
        child.Tell("fail");
        child.Tell("get");
        ExpectMsg(0);
        child.Tell("fail");
        ExpectTerminated(child);
    }

    [Fact]
    public void Retries_without_a_time_count_for_ever()
    {
        IActorRef child = Child(new OneForOneStrategy(1, null, _ => Directive.Restart));
        Watch(child);
        child.Tell("fail");
        child.Tell("fail");
        ExpectTerminated(child);
    }

    [Fact]
    public void Zero_retries_stop_at_once()
    {
        IActorRef child = Child(new OneForOneStrategy(0, 1000, _ => Directive.Restart));
        Watch(child);
        child.Tell("fail");
        ExpectTerminated(child);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(-1)]
    public void No_limit_of_retries_is_no_limit(int? retries)
    {
        IActorRef child = Child(new OneForOneStrategy(retries, null, _ => Directive.Restart));
        for (int i = 0; i < 20; i++) child.Tell("fail");
        child.Tell("get");
        ExpectMsg(0);
    }

    [Fact]
    public void All_for_one_restarts_the_siblings_too()
    {
        IActorRef child = Child(new AllForOneStrategy(_ => Directive.Restart), out IActorRef sibling, out _);
        sibling.Tell("add");
        sibling.Tell("get");
        ExpectMsg(1);
        child.Tell("fail");
        child.Tell("get");
        ExpectMsg(0);
        sibling.Tell("get");
        ExpectMsg(0);
    }

    [Fact]
    public void All_for_one_stops_the_siblings_too()
    {
        IActorRef child = Child(new AllForOneStrategy(_ => Directive.Stop), out IActorRef sibling, out _);
        Watch(child);
        Watch(sibling);
        child.Tell("fail");
        var ended = new[] { ExpectMsg<Terminated>().ActorRef, ExpectMsg<Terminated>().ActorRef };
        Assert.Contains(child, ended);
        Assert.Contains(sibling, ended);
    }

    [Fact]
    public void A_decider_that_throws_fails_the_parent()
    {
        IActorRef child = Child(new OneForOneStrategy(_ => throw new NotSupportedException("undecided")), out _, out IActorRef parent);
        parent.Tell("add");
        EventFilter.Exception<NotSupportedException>().ExpectOne(() => child.Tell("fail"));
        parent.Tell("get");
        ExpectMsg(0);
    }

    [Fact]
    public void Messages_to_a_failed_actor_wait_for_the_decision()
    {
        var gate = new ManualResetEventSlim();
        IActorRef child = Child(new OneForOneStrategy(_ =>
        {
            gate.Wait();
            return Directive.Restart;
        }));
        child.Tell("fail");
        child.Tell("get");
        ExpectNoMsg(100);
        gate.Set();
        ExpectMsg(0);
    }

    [Fact]
    public void A_failed_parent_holds_its_children_until_the_decision()
    {
        var gate = new ManualResetEventSlim();
        var strategy = new OneForOneStrategy(_ =>
        {
            TestActor.Tell("deciding", ActorRefs.NoSender);
            gate.Wait();
            return Directive.Resume;
        });
        Props family = Props.Create(() => new Parent(Props.Create(() => new Worker()), null));
        IActorRef top = Sys.ActorOf(Props.Create(() => new Parent(family, strategy)));
        top.Tell("child");
        IActorRef middle = ExpectMsg<IActorRef>();
        middle.Tell("child");
        IActorRef child = ExpectMsg<IActorRef>();
        child.Tell("add");
        middle.Tell("fail");
        ExpectMsg("deciding");
        child.Tell("get");
        ExpectNoMsg(100);
        gate.Set();
        ExpectMsg(1);
    }

    [Fact]
    public void The_default_decider_stops_what_cannot_live_and_restarts_the_rest()
    {
        IDecider decider = SupervisorStrategy.DefaultDecider;
        Assert.Equal(Directive.Stop, decider.Decide(new ActorInitializationException("x")));
        Assert.Equal(Directive.Stop, decider.Decide(new ActorKilledException("x")));
        Assert.Equal(Directive.Stop, decider.Decide(new DeathPactException(TestActor)));
        Assert.Equal(Directive.Restart, decider.Decide(new InvalidOperationException()));
    }

    [Fact]
    public void The_stopping_strategy_stops()
    {
        IActorRef child = Child(SupervisorStrategy.StoppingStrategy);
        Watch(child);
        child.Tell("fail");
        ExpectTerminated(child);
    }

    [Fact]
    public void A_strategy_that_does_not_log_does_not()
    {
        IActorRef child = Child(new OneForOneStrategy(_ => Directive.Restart, loggingEnabled: false));
        EventFilter.Error().Expect(0, () =>
        {
            child.Tell("fail");
            child.Tell("get");
            ExpectMsg(0);
        });
    }

    private IActorRef Child(SupervisorStrategy? strategy) => Child(strategy, out _, out _);

    private IActorRef Child(SupervisorStrategy? strategy, out IActorRef sibling, out IActorRef parent)
    {
        parent = Sys.ActorOf(Props.Create(() => new Parent(Props.Create(() => new Worker()), strategy)));
        parent.Tell("child");
        IActorRef child = ExpectMsg<IActorRef>();
        parent.Tell("sibling");
        sibling = ExpectMsg<IActorRef>();
        return child;
    }

    private sealed class Parent : ReceiveActor
    {
        private readonly SupervisorStrategy? _strategy;
        private int _sum;

        public Parent(Props child, SupervisorStrategy? strategy)
        {
            _strategy = strategy;
            IActorRef first = Context.ActorOf(child), second = Context.ActorOf(child);
            Receive<string>(text => text == "child", _ => Sender.Tell(first));
            Receive<string>(text => text == "sibling", _ => Sender.Tell(second));
            Receive<string>(text => text == "add", _ => _sum++);
            Receive<string>(text => text == "get", _ => Sender.Tell(_sum));
            Receive<string>(text => text == "fail", _ => throw new InvalidOperationException("on demand"));
        }

        protected override SupervisorStrategy SupervisorStrategy() => _strategy ?? base.SupervisorStrategy();
    }

    private sealed class Worker : ReceiveActor
    {
        private int _sum;

        public Worker()
        {
            Receive<string>(text => text == "add", _ => _sum++);
            Receive<string>(text => text == "get", _ => Sender.Tell(_sum));
            Receive<string>(text =>
            {
                if (text == "add and fail") _sum++;
                throw new InvalidOperationException("on demand");
            });
        }
    }
}
