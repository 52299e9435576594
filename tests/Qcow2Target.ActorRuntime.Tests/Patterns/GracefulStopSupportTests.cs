namespace Qcow2Target.ActorRuntime.Tests.Patterns;

public sealed class GracefulStopSupportTests : TestKit
{
    [Fact]
    public async Task It_lets_the_actor_finish_its_work()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Worker()));
        for (int i = 0; i < 10; i++) actor.Tell(i);
        Assert.True(await actor.GracefulStop(TimeSpan.FromSeconds(5)));
        for (int i = 0; i < 10; i++) ExpectMsg(i);
        Assert.True(await actor.GracefulStop(TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public async Task It_gives_up_when_the_time_is_over()
    {
        var gate = new ManualResetEventSlim();
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Worker()));
        actor.Tell(gate);
        try
        {
            Assert.False(await actor.GracefulStop(TimeSpan.FromMilliseconds(100)));
        }
        catch (TaskCanceledException)
        {
            // So say some versions.
        }

        gate.Set();
    }

    [Fact]
    public async Task It_may_use_a_message_of_the_actors_own()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Worker()));
        Assert.True(await actor.GracefulStop(TimeSpan.FromSeconds(5), "close"));
    }

    private sealed class Worker : ReceiveActor
    {
        public Worker()
        {
            Receive<string>(_ => Context.Stop(Self));
            Receive<ManualResetEventSlim>(gate => gate.Wait());
            ReceiveAny(message => Sender.Tell(message));
        }
    }
}
