namespace Qcow2Target.ActorRuntime.Tests.Dispatch;

public sealed class DispatcherTests : TestKit
{
    private const string Settings = """
        disks {
          type = ForkJoinDispatcher
          throughput = 5
          dedicated-thread-pool { thread-count = 3 }
        }
        pinned { type = PinnedDispatcher }
        strange { type = StrangeDispatcher }
        """;

    public DispatcherTests()
        : base(Settings)
    {
    }

    [Theory]
    [InlineData("disks")]
    [InlineData("pinned")]
    [InlineData("akka.actor.default-dispatcher")]
    [InlineData("akka.actor.default-blocking-io-dispatcher")]
    public void Actors_run_where_their_props_say(string id)
    {
        Assert.True(Sys.Dispatchers.HasDispatcher(id));
        Assert.Equal(id, Props.Create(() => new Where()).WithDispatcher(id).Dispatcher);
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Where()).WithDispatcher(id));
        actor.Tell("where?");
        ExpectMsg(id);
        ExpectMsg(id is "akka.actor.default-dispatcher" or "akka.actor.default-blocking-io-dispatcher");
    }

    [Fact]
    public void An_unknown_dispatcher_or_mailbox_is_refused()
    {
        Assert.False(Sys.Dispatchers.HasDispatcher("nowhere"));
        Assert.Throws<ConfigurationException>(() => Sys.ActorOf(Props.Create(() => new Where()).WithDispatcher("nowhere")));
        Assert.Throws<ConfigurationException>(() => Sys.ActorOf(Props.Create(() => new Where()).WithMailbox("nowhere")));
    }

    [Fact]
    public void A_pinned_actor_keeps_its_thread()
    {
        IActorRef actor = Sys.ActorOf(Props.Create(() => new ThreadTeller()).WithDispatcher("pinned"));
        IActorRef other = Sys.ActorOf(Props.Create(() => new ThreadTeller()).WithDispatcher("pinned"));
        actor.Tell("thread?");
        Thread thread = ExpectMsg<Thread>();
        for (int i = 0; i < 50; i++)
        {
            actor.Tell("thread?");
            Assert.Same(thread, ExpectMsg<Thread>());
        }

        other.Tell("thread?");
        Assert.NotSame(thread, ExpectMsg<Thread>());
    }

    [Fact]
    public void Blocked_actors_of_one_dispatcher_do_not_hold_up_the_others()
    {
        var gate = new ManualResetEventSlim();
        for (int i = 0; i < 3; i++) Sys.ActorOf(Props.Create(() => new Blocked(gate)).WithDispatcher("disks")).Tell("block");
        IActorRef free = Sys.ActorOf(Props.Create(() => new ThreadTeller()));
        free.Tell("thread?");
        ExpectMsg<Thread>();
        gate.Set();
    }

    [Theory]
    [InlineData("disks")]
    [InlineData("pinned")]
    [InlineData("akka.actor.default-dispatcher")]
    public async Task Each_senders_messages_keep_their_order_and_none_is_handled_beside_another(string id)
    {
        const int senders = 4, messages = 5000;
        var done = new TaskCompletionSource<string>();
        IActorRef actor = Sys.ActorOf(Props.Create(() => new Checker(senders, messages, done)).WithDispatcher(id));
        await Task.WhenAll(Enumerable.Range(0, senders).Select(sender => Task.Run(() =>
        {
            for (int i = 0; i < messages; i++) actor.Tell((sender, i), ActorRefs.NoSender);
        })));
        Assert.Equal("in order", await done.Task.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void Messages_told_while_the_actor_stops_are_handled_or_dead_letters_but_never_lost()
    {
        const int rounds = 100, messages = 200;
        for (int round = 0; round < rounds; round++)
        {
            var tally = new Tally();
            IActorRef listener = Sys.ActorOf(Props.Create(() => new LetterCounter(tally)));
            Sys.EventStream.Subscribe(listener, typeof(DeadLetter));
            IActorRef actor = Sys.ActorOf(Props.Create(() => new MessageCounter(tally)));
            var teller = new Thread(() =>
            {
                for (int i = 0; i < messages; i++) actor.Tell(tally, ActorRefs.NoSender);
            });
            teller.Start();
            Sys.Stop(actor);
            teller.Join();
            AwaitAssert(() => Assert.Equal(messages, tally.Count), interval: TimeSpan.FromMilliseconds(1));
            Sys.Stop(listener);
        }
    }

    private sealed class Tally
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void Add() => Interlocked.Increment(ref _count);
    }

    private sealed class Where : ReceiveActor
    {
        public Where() => ReceiveAny(_ =>
        {
            Sender.Tell(Context.Dispatcher.Id);
            Sender.Tell(Thread.CurrentThread.IsThreadPoolThread);
        });
    }

    private sealed class ThreadTeller : ReceiveActor
    {
        public ThreadTeller() => ReceiveAny(_ => Sender.Tell(Thread.CurrentThread));
    }

    private sealed class Blocked : ReceiveActor
    {
        public Blocked(ManualResetEventSlim gate) => ReceiveAny(_ => gate.Wait());
    }

    private sealed class Checker : ReceiveActor
    {
        private readonly int[] _next;
        private int _inside;
        private int _left;

        public Checker(int senders, int messages, TaskCompletionSource<string> done)
        {
            _next = new int[senders];
            _left = senders * messages;
            Receive<(int Sender, int Number)>(message =>
            {
                if (Interlocked.Increment(ref _inside) != 1) done.TrySetResult("two at a time");
                if (message.Number != _next[message.Sender]++) done.TrySetResult($"{message} out of order");
                if (--_left == 0) done.TrySetResult("in order");
                Interlocked.Decrement(ref _inside);
            });
        }
    }

    private sealed class MessageCounter : ReceiveActor
    {
        public MessageCounter(Tally tally) => Receive<Tally>(_ => tally.Add());
    }

    private sealed class LetterCounter : ReceiveActor
    {
        public LetterCounter(Tally tally) => Receive<DeadLetter>(letter =>
        {
            if (letter.Message == tally) tally.Add();
        });
    }
}
