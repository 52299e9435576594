namespace Qcow2Target.ActorRuntime.Tests.Actors;

public sealed class ReceiveActorTests : TestKit
{
    [Fact]
    public void The_first_matching_handler_wins()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new ByType()));
        actor.Tell("text");
        ExpectMsg("string: text");
        actor.Tell(3);
        ExpectMsg("small int");
        actor.Tell(30);
        ExpectMsg("int");
        actor.Tell(new[] { 1 });
        ExpectMsg("enumerable");
        actor.Tell(2.5);
        ExpectMsg("any");
    }

    [Fact]
    public void A_handler_that_returns_false_leaves_the_message_to_the_next()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Choosy()));
        actor.Tell(1);
        ExpectMsg("odd");
        actor.Tell(2);
        ExpectMsg("even");
    }

    [Fact]
    public void A_handler_by_runtime_type_filters()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new ByRuntimeType()));
        actor.Tell("long text");
        ExpectMsg("long");
        actor.Tell("x");
        ExpectMsg("rest");
    }

    [Fact]
    public void Become_replaces_and_BecomeStacked_stacks()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Moody()));
        actor.Tell("ask");
        ExpectMsg("calm");
        actor.Tell("push");
        actor.Tell("ask");
        ExpectMsg("angry");
        actor.Tell("replace");
        actor.Tell("ask");
        ExpectMsg("happy");
        actor.Tell("pop");
        actor.Tell("ask");
        ExpectMsg("calm");
        actor.Tell("pop");
        actor.Tell("ask");
        ExpectMsg("calm");
    }

    [Fact]
    public void Become_in_the_constructor_counts()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new BornAngry()));
        actor.Tell("ask");
        ExpectMsg("angry");
        actor.Tell("pop");
        actor.Tell("ask");
        ExpectMsg("calm");
    }

    [Fact]
    public void A_restart_returns_to_the_behaviour_of_the_constructor()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Moody()));
        actor.Tell("push");
        actor.Tell("ask");
        ExpectMsg("angry");
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => actor.Tell("fail"));
        actor.Tell("ask");
        ExpectMsg("calm");
    }

    [Fact]
    public void Handlers_after_one_that_takes_all_are_refused()
    {
        foreach (string kind in new[] { "any", "object", "type" })
        {
            Sys.ActorOf(Props.Create(() => new Greedy(kind, TestActor)));
            ExpectMsg<InvalidOperationException>();
        }

        Sys.ActorOf(Props.Create(() => new Greedy("filtered", TestActor)));
        ExpectMsg("accepted");
    }

    [Fact]
    public void Handlers_outside_the_constructor_are_refused()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Late(TestActor)));
        ExpectMsg<InvalidOperationException>();
        actor.Tell("now");
        ExpectMsg<InvalidOperationException>();
    }

    [Fact]
    public void What_no_handler_takes_is_published_as_unhandled()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(UnhandledMessage));
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Choosy()));
        actor.Tell("text");
        UnhandledMessage unhandled = ExpectMsg<UnhandledMessage>();
        Assert.Equal("text", unhandled.Message);
        Assert.Equal(actor, unhandled.Recipient);
        Assert.Equal(TestActor, unhandled.Sender);
    }

    [Fact]
    public void An_untyped_actor_says_itself_what_it_does_not_handle()
    {
        Sys.EventStream.Subscribe<UnhandledMessage>(TestActor);
        IActorRef actor = Sys.ActorOf<Untyped>();
        actor.Tell("become");
        actor.Tell("x");
        ExpectMsg("other x");
        actor.Tell("unbecome");
        actor.Tell(5);
        ExpectMsg<UnhandledMessage>(unhandled => Assert.Equal(5, unhandled.Message));
    }

    [Fact]
    public void AroundReceive_sees_every_message()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Wrapped(TestActor)));
        actor.Tell("a");
        ExpectMsg("before a");
        ExpectMsg("a");
        ExpectMsg("after a True");
    }

    [Fact]
    public void An_actor_made_with_new_is_refused() =>
        Assert.IsAssignableFrom<ActorInitializationException>(OutsideOfActors(() => Activator.CreateInstance<Untyped>()).GetBaseException());

    [Fact]
    public void The_context_is_not_there_outside_of_actors() => Assert.IsType<NotSupportedException>(OutsideOfActors(Leaky.Peek));

    private static Exception OutsideOfActors(Action action)
    {
        Exception thrown = null!;
        var thread = new Thread(() => thrown = Record.Exception(action));
        thread.Start();
        thread.Join();
        return thrown;
    }

    private sealed class ByType : ReceiveActor
    {
        public ByType()
        {
            Receive<string>(text => Sender.Tell("string: " + text));
            Receive<int>(_ => Sender.Tell("small int"), number => number < 10);
            Receive<int>(number => number < 100, _ => Sender.Tell("int"));
            Receive<System.Collections.IEnumerable>(_ => Sender.Tell("enumerable"));
            ReceiveAny(_ => Sender.Tell("any"));
        }
    }

    private sealed class Choosy : ReceiveActor
    {
        public Choosy()
        {
            Receive<int>(number =>
            {
                if (number % 2 == 0) return false;
                Sender.Tell("odd");
                return true;
            });
            Receive<int>(_ =>
            {
                Sender.Tell("even");
            });
        }
    }

    private sealed class ByRuntimeType : ReceiveActor
    {
        public ByRuntimeType()
        {
            Receive(typeof(string), _ => Sender.Tell("long"), text => ((string)text).Length > 3);
            Receive(typeof(object), _ => Sender.Tell("rest"));
        }
    }

    private class Moody : ReceiveActor
    {
        public Moody()
        {
            Say("calm");
            Receive<string>(text => text == "fail", _ => throw new InvalidOperationException("on demand"));
        }

        protected void Say(string mood)
        {
            Receive<string>(text => text == "ask", _ => Sender.Tell(mood));
            Receive<string>(text => text == "push", _ => BecomeStacked(Angry));
            Receive<string>(text => text == "replace", _ => Become(() => Say("happy")));
            Receive<string>(text => text == "pop", _ => UnbecomeStacked());
        }

        protected void Angry()
        {
            Say("angry");
            Receive<string>(text => text == "fail", _ => throw new InvalidOperationException("on demand"));
        }
    }

    private sealed class BornAngry : Moody
    {
        public BornAngry() => Become(Angry);
    }

    private sealed class Greedy : ReceiveActor
    {
        public Greedy(string kind, IActorRef report)
        {
            switch (kind)
            {
                case "any":
                    ReceiveAny(_ => { });
                    break;
                case "object":
                    Receive<object>(_ => { });
                    break;
                case "type":
                    Receive(typeof(object), _ => { });
                    break;
                default:
                    Receive<object>(_ => { }, _ => false);
                    break;
            }

            try
            {
                Receive<string>(_ => { });
                report.Tell("accepted");
            }
            catch (InvalidOperationException e)
            {
                report.Tell(e);
            }
        }
    }

    private sealed class Late : ReceiveActor
    {
        private readonly IActorRef _report;

        public Late(IActorRef report)
        {
            _report = report;
            Receive<string>(_ => Register());
        }

        protected override void PreStart() => Register();

        private void Register()
        {
            try
            {
                Receive<int>(_ => { });
                _report.Tell("accepted");
            }
            catch (InvalidOperationException e)
            {
                _report.Tell(e);
            }
        }
    }

    private sealed class Untyped : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            if (message is "become") BecomeStacked(Other);
            else Unhandled(message);
        }

        private void Other(object message)
        {
            if (message is "unbecome") UnbecomeStacked();
            else Sender.Tell("other " + message);
        }
    }

    private sealed class Wrapped : ReceiveActor
    {
        private readonly IActorRef _report;

        public Wrapped(IActorRef report)
        {
            _report = report;
            Receive<string>(text => report.Tell(text));
        }

        protected override bool AroundReceive(Receive receive, object message)
        {
            _report.Tell("before " + message);
            bool handled = base.AroundReceive(receive, message);
            _report.Tell($"after {message} {handled}");
            return handled;
        }
    }

    private sealed class Leaky : ReceiveActor
    {
        public static void Peek() => _ = Context.Self;
    }
}
