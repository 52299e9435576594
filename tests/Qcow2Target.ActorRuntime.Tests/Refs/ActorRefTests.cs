namespace Qcow2Target.ActorRuntime.Tests.Refs;

public sealed class ActorRefTests : TestKit
{
    [Theory]
    [InlineData("a")]
    [InlineData("iqn.2024-01.com.example:disk1")]
    [InlineData("1.2.3.4:5")]
    [InlineData("a%20b")]
    [InlineData("-_.*$+:@&=,!~';()")]
    public void Good_names_are_taken(string name)
    {
        Assert.True(ActorPath.IsValidPathElement(name));
        IActorRef actor = Sys.ActorOf<Silent>(name);
        Assert.Equal(name, actor.Path.Name);
        Assert.Equal($"akka://{Sys.Name}/user/{name}", actor.Path.ToString());
        Assert.Equal($"/user/{name}", actor.Path.ToStringWithoutAddress());
        Assert.Equal(["user", name], actor.Path.Elements);
        Assert.Equal("user", actor.Path.Parent.Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("$a")]
    [InlineData("a/b")]
    [InlineData("a#1")]
    [InlineData("[::1]")]
    [InlineData("a|b")]
    [InlineData("a b")]
    [InlineData("a%2")]
    [InlineData("ä")]
    public void Bad_names_are_refused(string name)
    {
        Assert.False(ActorPath.IsValidPathElement(name));
        Assert.Throws<InvalidActorNameException>(() => Sys.ActorOf<Silent>(name));
    }

    [Fact]
    public void A_taken_name_is_refused()
    {
        Sys.ActorOf<Silent>("a");
        Assert.Throws<InvalidActorNameException>(() => Sys.ActorOf<Silent>("a"));
    }

    [Fact]
    public void Names_are_generated()
    {
        IActorRef first = Sys.ActorOf<Silent>(), second = Sys.ActorOf<Silent>();
        Assert.StartsWith("$", first.Path.Name, StringComparison.Ordinal);
        Assert.NotEqual(first.Path.Name, second.Path.Name);
    }

    [Fact]
    public void A_later_actor_of_the_name_has_another_uid_and_the_old_ref_is_dead()
    {
        IActorRef old = Sys.ActorOf(Props.Create(() => new Echo()), "a");
        Watch(old);
        Sys.Stop(old);
        ExpectTerminated(old);
        IActorRef later = Sys.ActorOf(Props.Create(() => new Echo()), "a");
        Assert.NotEqual(old, later);
        Assert.Equal(old.Path, later.Path);
        Assert.NotEqual(old.Path.Uid, later.Path.Uid);
        EventFilter.DeadLetter<string>().ExpectOne(() => old.Tell("lost"));
        later.Tell("found");
        ExpectMsg("found");
    }

    [Fact]
    public void A_null_message_is_refused_in_the_caller()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Echo()));
        actor.Tell("started");
        ExpectMsg("started");
        Assert.Throws<ArgumentNullException>(() => actor.Tell(null!));
    }

    [Fact]
    public void Nobody_and_null_are_nobody()
    {
        Assert.True(ActorRefs.Nobody.IsNobody());
        Assert.True(ActorRefs.NoSender.IsNobody());
        Assert.False(TestActor.IsNobody());
        ActorRefs.Nobody.Tell("into the void");
    }

    [Fact]
    public void Forward_keeps_the_sender()
    {
        IActorRef forwarder = Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)));
        TestProbe sender = CreateTestProbe();
        sender.Send(forwarder, "hi");
        ExpectMsg("hi");
        Assert.Equal(sender, LastSender);
    }

    [Fact]
    public void Without_a_sender_it_is_dead_letters()
    {
        IActorRef teller = Sys.ActorOf(Props.Create(() => new SenderTeller(TestActor)));
        teller.Tell("who?", ActorRefs.NoSender);
        ExpectMsg(Sys.DeadLetters);
    }

    [Fact]
    public async Task A_selection_finds_actors_by_path()
    {
        TimeSpan limit = TimeSpan.FromSeconds(5);
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Echo()), "a");
        Assert.Equal(actor, await Sys.ActorSelection("/user/a").ResolveOne(limit));
        Assert.Equal(actor, await Sys.ActorSelection(actor.Path.ToString()!).ResolveOne(limit));
        await Assert.ThrowsAsync<ActorNotFoundException>(() => Sys.ActorSelection("/user/b").ResolveOne(TimeSpan.FromMilliseconds(300)));
        Sys.ActorSelection("/user/a").Tell("hi", TestActor);
        ExpectMsg("hi");
    }

    [Fact]
    public void Children_are_found_by_name()
    {
        IActorRef parent = Sys.ActorOf(Props.Create(() => new Parent()), "parent");
        parent.Tell("x");
        Assert.Equal("/user/parent/x", ExpectMsg<IActorRef>().Path.ToStringWithoutAddress());
        parent.Tell("y");
        Assert.True(ExpectMsg<IActorRef>().IsNobody());
        parent.Tell(1);
        ExpectMsg(parent);
    }

    private sealed class Silent : ReceiveActor;

    private sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(message => Sender.Tell(message));
    }

    private sealed class Forwarder : ReceiveActor
    {
        public Forwarder(IActorRef to) => ReceiveAny(to.Forward);
    }

    private sealed class SenderTeller : ReceiveActor
    {
        public SenderTeller(IActorRef to) => ReceiveAny(_ => to.Tell(Sender));
    }

    private sealed class Parent : ReceiveActor
    {
        public Parent()
        {
            IActorRef child = Context.ActorOf(Props.Create(() => new ParentTeller()), "x");
            Receive<string>(name => Sender.Tell(Context.Child(name)));
            Receive<int>(_ => child.Forward(1));
        }
    }

    private sealed class ParentTeller : ReceiveActor
    {
        public ParentTeller() => ReceiveAny(_ => Sender.Tell(Context.Parent));
    }
}
