namespace Qcow2Target.ActorRuntime.Tests.Cells;

public sealed class StashTests : TestKit
{
    [Fact]
    public void Unstashed_messages_come_first_in_order_with_their_senders()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Closed()));
        TestProbe other = CreateTestProbe();
        actor.Tell("a");
        actor.Tell("b", other);
        actor.Tell("c");
        actor.Tell("open and wait");
        ExpectMsg("opened");
        actor.Tell("d");
        ExpectMsg("a");
        ExpectMsg("c");
        ExpectMsg("d");
        other.ExpectMsg("b");
    }

    [Fact]
    public void Unstash_brings_back_one()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Closed()));
        actor.Tell("a");
        actor.Tell("b");
        actor.Tell("one");
        ExpectMsg("a");
        actor.Tell("count");
        ExpectMsg(1);
    }

    [Fact]
    public void Unstash_by_predicate_forgets_the_rest()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Closed()));
        actor.Tell("a");
        actor.Tell("b");
        actor.Tell("only b");
        ExpectMsg("b");
        actor.Tell("count");
        ExpectMsg(0);
    }

    [Fact]
    public void ClearStash_hands_out_the_messages()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Closed()));
        actor.Tell("a");
        actor.Tell("b");
        actor.Tell("clear");
        ExpectMsg("a,b");
        actor.Tell("count");
        ExpectMsg(0);
    }

    [Fact]
    public void The_same_message_cannot_be_stashed_twice()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Closed()));
        actor.Tell("twice");
        ExpectMsg<IllegalActorStateException>();
    }

    [Fact]
    public void Equal_messages_can_be_stashed_one_after_the_other()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Closed()));
        actor.Tell("same");
        actor.Tell("same");
        actor.Tell("count");
        ExpectMsg(2);
    }

    [Fact]
    public void A_full_stash_throws()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Closed()).WithStashCapacity(2));
        actor.Tell("a");
        actor.Tell("b");
        actor.Tell("count");
        ExpectMsg(2);
        EventFilter.Exception<StashOverflowException>().ExpectOne(() => actor.Tell("c"));
    }

    [Fact]
    public void A_restart_brings_everything_back()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Closed()));
        actor.Tell("a");
        actor.Tell("b");
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => actor.Tell("fail"));
        actor.Tell("count");
        ExpectMsg(2);
    }

    [Fact]
    public void A_stop_sends_the_stash_to_dead_letters()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(DeadLetter));
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Closed()));
        actor.Tell("a");
        actor.Tell("b");
        actor.Tell("count");
        ExpectMsg(2);
        Sys.Stop(actor);
        Assert.Equal("a", ExpectMsg<DeadLetter>().Message);
        Assert.Equal("b", ExpectMsg<DeadLetter>().Message);
    }

    [Fact]
    public void The_stash_is_null_in_the_constructor_and_there_in_PreStart()
    {
        Sys.ActorOf(Props.Create(() => new Looker(TestActor)));
        ExpectMsg("constructor: True");
        ExpectMsg("PreStart: False");
    }

    [Fact]
    public void A_stashed_Terminated_comes_back()
    {
        IActorRef victim = Sys.ActorOf(Props.Create(() => new Closed()));
        IActorRef watcher = Sys.ActorOf(Props.Create(() => new Patient(victim)));
        Watch(victim);
        watcher.Tell("count");
        ExpectMsg(0);
        Sys.Stop(victim);
        ExpectTerminated(victim);
        AwaitAssert(() =>
        {
            watcher.Tell("count");
            ExpectMsg(1);
        });
        watcher.Tell("open");
        ExpectMsg("terminated");
    }

    private sealed class Closed : ReceiveActor, IWithStash
    {
        public Closed()
        {
            Receive<string>(text => text == "open and wait", _ =>
            {
                Sender.Tell("opened");
                Stash.UnstashAll();
                Become(Open);
            });
            Receive<string>(text => text == "one", _ =>
            {
                Stash.Unstash();
                Become(Open);
            });
            Receive<string>(text => text == "only b", _ =>
            {
                Stash.UnstashAll(envelope => envelope.Message is "b");
                Become(Open);
            });
            Receive<string>(text => text == "clear", _ => Sender.Tell(string.Join(',', Stash.ClearStash().Select(envelope => envelope.Message))));
            Receive<string>(text => text == "count", _ => Sender.Tell(Stash.Count));
            Receive<string>(text => text == "fail", _ => throw new InvalidOperationException("on demand"));
            Receive<string>(text => text == "twice", _ =>
            {
                Stash.Stash();
                try
                {
                    Stash.Stash();
                }
                catch (IllegalActorStateException e)
                {
                    Sender.Tell(e);
                }
            });
            ReceiveAny(_ => Stash.Stash());
        }

        public IStash Stash { get; set; } = null!;

        private void Open()
        {
            Receive<string>(text => text == "count", _ => Sender.Tell(Stash.Count));
            ReceiveAny(message => Sender.Tell(message));
        }
    }

    private sealed class Looker : ReceiveActor, IWithUnboundedStash
    {
        private readonly IActorRef _report;

        public Looker(IActorRef report)
        {
            _report = report;
            report.Tell($"constructor: {Stash is null}");
        }

        public IStash Stash { get; set; } = null!;

        protected override void PreStart() => _report.Tell($"PreStart: {Stash is null}");
    }

    private sealed class Patient : ReceiveActor, IWithStash
    {
        private IActorRef _asker = ActorRefs.Nobody;

        public Patient(IActorRef victim)
        {
            Context.Watch(victim);
            Receive<Terminated>(_ => Stash.Stash());
            Receive<string>(text => text == "count", _ => Sender.Tell(Stash.Count));
            Receive<string>(_ =>
            {
                _asker = Sender;
                Stash.UnstashAll();
                Become(() => Receive<Terminated>(_ => _asker.Tell("terminated")));
            });
        }

        public IStash Stash { get; set; } = null!;
    }
}
