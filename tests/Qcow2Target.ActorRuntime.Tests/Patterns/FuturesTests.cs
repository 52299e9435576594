namespace Qcow2Target.ActorRuntime.Tests.Patterns;

public sealed class FuturesTests : TestKit
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(100);

    [Fact]
    public async Task A_question_gets_its_answer() => Assert.Equal("echo", await Echo().Ask<string>("echo", Limit));

    [Fact]
    public async Task A_question_without_an_answer_times_out() =>
        await Assert.ThrowsAsync<AskTimeoutException>(() => Sys.ActorOf<Mute>().Ask<string>("anyone?", Short));

    [Fact]
    public async Task A_dead_actor_does_not_answer()
    {
        IActorRef actor = Sys.ActorOf<Mute>();
        Watch(actor);
        Sys.Stop(actor);
        ExpectTerminated(actor);
        await Assert.ThrowsAsync<AskTimeoutException>(() => actor.Ask<string>("anyone?", Short));
    }

    [Fact]
    public async Task A_cancelled_question_is_cancelled()
    {
        using var cancellation = new CancellationTokenSource(Short);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Sys.ActorOf<Mute>().Ask<string>("anyone?", cancellation.Token));
    }

    [Fact]
    public async Task A_failure_throws_its_cause()
    {
        InvalidOperationException thrown = await Assert.ThrowsAsync<InvalidOperationException>(
            () => Echo().Ask<string>(new Status.Failure(new InvalidOperationException("cause")), Limit));
        Assert.Equal("cause", thrown.Message);
    }

    [Fact]
    public async Task A_failure_is_the_result_for_who_asks_for_a_status_and_for_nobody_else()
    {
        var failure = new Status.Failure(new InvalidOperationException("cause"));
        Assert.Same(failure, await Echo().Ask<Status>(failure, Limit));
        Assert.Same(failure, await Echo().Ask<Status.Failure>(failure, Limit));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Echo().Ask<object>(failure, Limit));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Echo().Ask(failure, Limit));
    }

    [Fact]
    public async Task An_answer_of_another_type_is_an_argument_exception() =>
        await Assert.ThrowsAsync<ArgumentException>(() => Echo().Ask<int>("text", Limit));

    [Fact]
    public async Task The_question_may_carry_the_ref_of_the_asker()
    {
        IActorRef answer = await Echo().Ask<IActorRef>(asker => asker, Limit, CancellationToken.None);
        Assert.StartsWith("/temp/", answer.Path.ToStringWithoutAddress(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_late_answer_is_a_dead_letter()
    {
        Sys.EventStream.Subscribe(TestActor, typeof(DeadLetter));
        IActorRef asker = ActorRefs.Nobody;
        Task<string> question = TestActor.Ask<string>(self => asker = self, Short, CancellationToken.None);
        Assert.Equal(asker, ExpectMsg<IActorRef>());
        await Assert.ThrowsAsync<AskTimeoutException>(() => question);
        asker.Tell("too late");
        ExpectMsg<DeadLetter>(letter => Assert.Equal("too late", letter.Message));
    }

    [Fact]
    public async Task A_selection_can_be_asked()
    {
        Sys.ActorOf(Props.Create(() => new EchoActor()), "echo");
        Assert.Equal("hi", await Sys.ActorSelection("/user/echo").Ask<string>("hi", Limit));
    }

    [Fact]
    public async Task Identify_is_answered_by_every_actor()
    {
        IActorRef actor = Sys.ActorOf<Mute>();
        ActorIdentity identity = await actor.Ask<ActorIdentity>(new Identify(7), Limit);
        Assert.Equal(7, identity.MessageId);
        Assert.Equal(actor, identity.Subject);
    }

    private IActorRef Echo() => Sys.ActorOf(Props.Create(() => new EchoActor()));

    private sealed class EchoActor : ReceiveActor
    {
        public EchoActor() => ReceiveAny(message => Sender.Tell(message));
    }

    private sealed class Mute : ReceiveActor
    {
        public Mute() => ReceiveAny(_ => { });
    }
}
