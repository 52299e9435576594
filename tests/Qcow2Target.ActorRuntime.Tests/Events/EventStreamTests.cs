namespace Qcow2Target.ActorRuntime.Tests.Events;

public sealed class EventStreamTests : TestKit
{
    [Fact]
    public void Subscribers_of_a_base_or_an_interface_get_the_heirs()
    {
        TestProbe byInterface = CreateTestProbe(), byBase = CreateTestProbe();
        Assert.True(Sys.EventStream.Subscribe(byInterface, typeof(IAnimal)));
        Assert.True(Sys.EventStream.Subscribe<Dog>(byBase));
        var puppy = new Puppy();
        Sys.EventStream.Publish(puppy);
        byInterface.ExpectMsg<IAnimal>(animal => Assert.Same(puppy, animal));
        byBase.ExpectMsg<Dog>();
        Sys.EventStream.Publish(new Cat());
        byInterface.ExpectMsg<Cat>();
        byBase.ExpectNoMsg(100);
    }

    [Fact]
    public void Subscribing_twice_delivers_once()
    {
        Assert.True(Sys.EventStream.Subscribe<Dog>(TestActor));
        Assert.False(Sys.EventStream.Subscribe<Dog>(TestActor));
        Sys.EventStream.Publish(new Dog());
        ExpectMsg<Dog>();
        ExpectNoMsg(100);
    }

    [Fact]
    public void After_Unsubscribe_nothing_comes()
    {
        Sys.EventStream.Subscribe<Dog>(TestActor);
        Sys.EventStream.Subscribe<Cat>(TestActor);
        Sys.EventStream.Unsubscribe(TestActor, typeof(Dog));
        Sys.EventStream.Publish(new Dog());
        Sys.EventStream.Publish(new Cat());
        ExpectMsg<Cat>();
        Sys.EventStream.Unsubscribe(TestActor);
        Sys.EventStream.Publish(new Cat());
        ExpectNoMsg(100);
    }

    [Fact]
    public void Marked_messages_become_suppressed_dead_letters()
    {
        Sys.EventStream.Subscribe<AllDeadLetters>(TestActor);
        Sys.DeadLetters.Tell(new Trifle());
        ExpectMsg<SuppressedDeadLetter>();
        Sys.DeadLetters.Tell("important");
        ExpectMsg<DeadLetter>();
    }

    [Fact]
    public void A_dead_letter_reaches_each_listener_once_while_another_stops()
    {
        Sys.EventStream.Subscribe<DeadLetter>(TestActor);
        var gate = new ManualResetEventSlim();
        IActorRef stopping = Sys.ActorOf(Props.Create(() => new Blocked(gate)));
        Sys.EventStream.Subscribe<DeadLetter>(stopping);
        stopping.Tell(gate);
        ExpectMsg("blocked");
        Sys.DeadLetters.Tell("lost");
        ExpectMsg<DeadLetter>();
        Sys.Stop(stopping);
        gate.Set();
        ExpectNoMsg(200);
    }

    private sealed class Blocked : ReceiveActor
    {
        public Blocked(ManualResetEventSlim gate) => Receive<ManualResetEventSlim>(_ =>
        {
            Sender.Tell("blocked");
            gate.Wait();
            Context.Stop(Self);
        });
    }

    private interface IAnimal;

    private class Dog : IAnimal;

    private sealed class Puppy : Dog;

    private sealed class Cat : IAnimal;

    private sealed class Trifle : IDeadLetterSuppression;
}
