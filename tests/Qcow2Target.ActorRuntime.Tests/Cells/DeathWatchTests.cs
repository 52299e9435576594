namespace Qcow2Target.ActorRuntime.Tests.Cells;

public sealed class DeathWatchTests : TestKit
{
    [Fact]
    public void A_watcher_hears_once_although_it_watched_twice()
    {
        IActorRef actor = Sys.ActorOf<Silent>();
        Watch(actor);
        Watch(actor);
        Sys.Stop(actor);
        Terminated terminated = ExpectTerminated(actor);
        Assert.True(terminated.ExistenceConfirmed);
        Assert.Equal(actor, LastSender);
        ExpectNoMsg(100);
    }

    [Fact]
    public void Watching_the_dead_is_answered_at_once()
    {
        IActorRef actor = Sys.ActorOf<Silent>();
        Watch(actor);
        Sys.Stop(actor);
        ExpectTerminated(actor);
        Watch(actor);
        Assert.False(ExpectTerminated(actor).ExistenceConfirmed);
    }

    [Fact]
    public void After_Unwatch_nothing_comes()
    {
        IActorRef actor = Sys.ActorOf<Silent>();
        TestProbe other = CreateTestProbe();
        other.Watch(actor);
        Watch(actor);
        Unwatch(actor);
        Sys.Stop(actor);
        other.ExpectTerminated(actor);
        ExpectNoMsg(100);
    }

    [Fact]
    public void Unwatch_takes_back_a_Terminated_that_is_queued_already()
    {
        IActorRef victim = Sys.ActorOf<Silent>();
        var gate = new ManualResetEventSlim();
        IActorRef watcher = Sys.ActorOf(Props.Create(() => new Unwatcher(victim, gate, TestActor)));
        watcher.Tell("hold");
        ExpectMsg("holding");
        Watch(victim);
        Sys.Stop(victim);
        ExpectTerminated(victim);
        gate.Set();
        ExpectMsg("unwatched");
        ExpectNoMsg(150);
    }

    [Fact]
    public void WatchWith_sends_its_own_message()
    {
        IActorRef victim = Sys.ActorOf<Silent>();
        Sys.ActorOf(Props.Create(() => new CustomWatcher(victim, TestActor)));
        ExpectMsg("watching");
        Sys.Stop(victim);
        ExpectMsg("it died");
        Assert.Equal(victim, LastSender);
    }

    [Fact]
    public void An_unhandled_Terminated_stops_the_watcher()
    {
        IActorRef victim = Sys.ActorOf<Silent>();
        IActorRef watcher = Sys.ActorOf(Props.Create(() => new Naive(victim)));
        Watch(watcher);
        watcher.Tell("ready?");
        ExpectMsg("ready");
        EventFilter.Exception<DeathPactException>().ExpectOne(() => Sys.Stop(victim));
        ExpectTerminated(watcher);
    }

    [Fact]
    public void What_an_actor_told_its_watcher_comes_before_its_Terminated()
    {
        for (int i = 0; i < 50; i++)
        {
            IActorRef actor = Sys.ActorOf(Props.Create(() => new LastWords(TestActor)));
            Watch(actor);
            actor.Tell("talk");
            for (int word = 0; word < 20; word++) ExpectMsg(word);
            ExpectMsg("PostStop");
            ExpectTerminated(actor);
        }
    }

    [Fact]
    public void A_parent_that_does_not_watch_hears_nothing()
    {
        IActorRef parent = Sys.ActorOf(Props.Create(() => new Indifferent(TestActor)));
        IActorRef child = ExpectMsg<IActorRef>();
        Watch(child);
        Sys.Stop(child);
        ExpectTerminated(child);
        parent.Tell("alive?");
        ExpectMsg("alive");
    }

    [Fact]
    public void A_name_is_free_once_the_Terminated_came()
    {
        for (int i = 0; i < 100; i++)
        {
            IActorRef actor = Sys.ActorOf<Silent>("again");
            Watch(actor);
            Sys.Stop(actor);
            ExpectTerminated(actor);
        }

        IActorRef parent = Sys.ActorOf(Props.Create(() => new Recreator(TestActor)));
        ExpectMsg("done");
        Watch(parent);
        Sys.Stop(parent);
        ExpectTerminated(parent);
    }

    [Fact]
    public void A_watch_survives_a_restart_of_the_watcher_unless_it_is_of_a_child()
    {
        IActorRef victim = Sys.ActorOf<Silent>();
        IActorRef watcher = Sys.ActorOf(Props.Create(() => new Restarted(victim, TestActor)));
        watcher.Tell("watch");
        ExpectMsg("watching");
        EventFilter.Exception<InvalidOperationException>().ExpectOne(() => watcher.Tell("fail"));
        watcher.Tell("ready?");
        ExpectMsg("ready");
        Sys.Stop(victim);
        ExpectMsg("victim terminated");
        ExpectNoMsg(100);
    }

    [Fact]
    public async Task WatchAsync_ends_with_the_actor_or_the_token()
    {
        IActorRef actor = Sys.ActorOf<Silent>();
        using var cancellation = new CancellationTokenSource();
        Task<bool> cancelled = actor.WatchAsync(cancellation.Token), stopped = actor.WatchAsync();
        await cancellation.CancelAsync();
        Assert.False(await cancelled);
        Assert.False(stopped.IsCompleted);
        Sys.Stop(actor);
        Assert.True(await stopped);
        Assert.True(await actor.WatchAsync());
    }

    [Fact]
    public void A_probe_can_be_watched()
    {
        TestProbe probe = CreateTestProbe();
        Watch(probe);
        Sys.Stop(probe);
        ExpectTerminated(probe);
    }

    private sealed class Silent : ReceiveActor;

    private sealed class Unwatcher : ReceiveActor
    {
        public Unwatcher(IActorRef victim, ManualResetEventSlim gate, IActorRef report)
        {
            Receive<string>(_ =>
            {
                Context.Watch(victim);
                Context.Watch(Context.ActorOf<Silent>());
                report.Tell("holding");
                gate.Wait();
                Self.Tell(1);
            });
            Receive<int>(_ =>
            {
                Context.Unwatch(victim);
                report.Tell("unwatched");
            });
            Receive<Terminated>(_ => report.Tell("terminated"));
        }
    }

    private sealed class CustomWatcher : ReceiveActor
    {
        public CustomWatcher(IActorRef victim, IActorRef report)
        {
            Context.WatchWith(victim, "it died");
            report.Tell("watching");
            ReceiveAny(report.Forward);
        }
    }

    private sealed class Naive : ReceiveActor
    {
        public Naive(IActorRef victim)
        {
            Context.Watch(victim);
            Receive<string>(_ => Sender.Tell("ready"));
        }
    }

    private sealed class LastWords : ReceiveActor
    {
        private readonly IActorRef _report;

        public LastWords(IActorRef report)
        {
            _report = report;
            ReceiveAny(_ =>
            {
                for (int i = 0; i < 20; i++) report.Tell(i);
                Context.Stop(Self);
            });
        }

        protected override void PostStop() => _report.Tell("PostStop");
    }

    private sealed class Indifferent : ReceiveActor
    {
        public Indifferent(IActorRef report)
        {
            report.Tell(Context.ActorOf<Silent>());
            Receive<string>(_ => Sender.Tell("alive"));
        }
    }

    private sealed class Recreator : ReceiveActor
    {
        private int _left = 100;

        public Recreator(IActorRef report)
        {
            Make();
            Receive<Terminated>(_ =>
            {
                if (--_left == 0) report.Tell("done");
                else Make();
            });
        }

        private static void Make() => Context.Stop(Context.Watch(Context.ActorOf<Silent>("child")));
    }

    private sealed class Restarted : ReceiveActor
    {
        public Restarted(IActorRef victim, IActorRef report)
        {
            Receive<string>(text => text == "watch", _ =>
            {
                Context.Watch(victim);
                Context.Watch(Context.ActorOf<Silent>());
                Sender.Tell("watching");
            });
            Receive<string>(text => text == "fail", _ => throw new InvalidOperationException("on demand"));
            Receive<string>(_ => Sender.Tell("ready"));
            Receive<Terminated>(terminated => report.Tell(terminated.ActorRef.Equals(victim) ? "victim terminated" : "child terminated"));
        }
    }
}
