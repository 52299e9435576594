namespace Qcow2Target.ActorRuntime.Tests.Actors;

public sealed class ReceiveActorTests : TestKit
{
    [Fact]
    public void A_message_gets_its_answer()
    {
        IActorRef echo = Sys.ActorOf(Props.Create(() => new Echo()));
        echo.Tell("hello");
        ExpectMsg("hello");
        Assert.Equal(echo, LastSender);
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(message => Sender.Tell(message));
    }
}
